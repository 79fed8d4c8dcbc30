-- Functions that SQL written for pg_durable may call and that have little to do here.

-- Return the version of the runtime as text for people.
create function df.version() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select df.runtime_version() || ' (perdure)' $$;

-- Return the database that runs execute in: this one.
create function df.target_database() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select current_database()::text $$;

-- Wake the workers, who look for work by themselves anyway.
create function df.run(instance_id text default null) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify('df_work', '');
  return coalesce('Triggered run for instance: ' || instance_id,
    'Triggered run for all pending instances');
end
$$;

-- The former name of df.await_instance().
create function df.wait_for_completion(instance_id text, timeout_seconds integer default 30)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise warning 'df.wait_for_completion() is deprecated: use df.await_instance()';
  return df.await_instance(instance_id, timeout_seconds);
end
$$;
