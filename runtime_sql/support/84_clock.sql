-- For pg_durable: the time. The extension's clock cannot be set.

create or replace function perdure.now() returns timestamptz
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select pg_catalog.now() $$;

-- Return when a wait for a time ends, as text: at a timestamptz that is infinite, before
-- Christ or far away, the extension fails itself, and nothing catches that. A time that is
-- long over counts as now; one that never comes, and null, fail the step, as elsewhere.
create function perdure.end_of_wait(p_time timestamptz) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_time is null then
    raise exception 'the query of a timer gave no value' using errcode = 'PD003';
  elsif p_time = 'infinity' then
    raise exception 'the time to wait for is infinity, which never comes'
      using errcode = '22008', hint = 'To wait without an end, wait for a signal.';
  end if;
  return to_jsonb(case when p_time < '2000-01-01' then clock_timestamp() else p_time end)
    #>> '{}';
end
$$;

-- Return when a computed sleep ends, in the same way: now, when it is so far below zero
-- that no time is.
create function perdure.end_of_sleep(p_length interval) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_length < interval '-1000 years' then
    return perdure.end_of_wait(clock_timestamp());
  elsif not isfinite(p_length) then
    raise exception 'the sleep has no end, its length is infinity'
      using errcode = '22008', hint = 'To wait without an end, wait for a signal.';
  end if;
  return perdure.end_of_wait(clock_timestamp() + p_length);
end
$$;
