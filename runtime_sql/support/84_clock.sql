-- For pg_durable: the time. The extension's clock cannot be set.

create or replace function perdure.now() returns timestamptz
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select pg_catalog.now() $$;
