create table jobs (id bigint);
