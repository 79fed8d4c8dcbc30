create schema jobs;

create table jobs.queue (
  id bigint generated always as identity primary key,
  payload text not null,
  attempts integer not null default 0,
  leased_until timestamptz,
  last_error text,
  done_at timestamptz
);
create index on jobs.queue (id) where done_at is null;

create table jobs.output (
  job_id bigint primary key references jobs.queue,
  text text not null
);
