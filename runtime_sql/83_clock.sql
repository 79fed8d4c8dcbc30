-- Return the time of the runtime's clock, which tests can set: what SQL steps ask instead
-- of now(). The same function on pg_durable gives the real time.
create function perdure.now() returns timestamptz
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df.now() $$;
