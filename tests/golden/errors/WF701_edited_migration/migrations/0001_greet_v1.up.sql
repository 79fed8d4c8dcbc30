-- written by perdure: greet, version 1
select 1;
