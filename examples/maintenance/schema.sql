create schema app;

create table app.events (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  what text not null
);

create table app.maintenance_log (
  id bigint generated always as identity primary key,
  what text not null,
  dead bigint
);

-- Rows that are dead, as PostgreSQL counts them.
create function app.dead_rows(name text) returns bigint
language sql stable
return (select n_dead_tup from pg_stat_user_tables where relid = name::regclass);
