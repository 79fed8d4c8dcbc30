-- Schema perdure: what compiled workflows use, the same on every target.

-- They stay when the runtime is removed.
create schema if not exists perdure;
revoke all on schema perdure from public;

-- Deployed workflow versions. A row is written by the migration that creates the
-- version's functions, and never changed.
create table if not exists perdure.workflow_versions (
  name text not null,
  version integer not null check (version > 0),
  digest text not null,
  signature text not null,
  source text not null,
  source_map jsonb not null,
  compiler_version text not null,
  target text not null,
  deployed_at timestamptz not null default clock_timestamp(),
  deployed_by text not null default current_user,
  primary key (name, version)
);

-- Return true if a step gave the number of rows that it was declared to give: `one`, or
-- `maybe` for none or one; raise PD010 otherwise. Volatile, so that it is never skipped.
create function perdure.expect(row_count bigint, expected text, step text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if expected not in ('one', 'maybe') then
    raise exception 'perdure.expect: % is not a number of rows', quote_literal(expected)
      using errcode = 'PD003';
  elsif row_count > 1 or row_count < 1 and expected = 'one' or row_count is null then
    raise exception 'step "%" gave % rows, expected %', step, coalesce(row_count::text, 'null'),
      case expected when 'one' then 'exactly one' else 'one at most' end
      using errcode = 'PD010';
  end if;
  return true;
end
$$;

-- Raise PD011: the workflow's `fail`.
create function perdure.fail(message text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', coalesce(message, 'the workflow failed') using errcode = 'PD011';
end
$$;

-- Return true, or raise PD012 unless the condition holds; null does not.
create function perdure.assert(ok boolean, message text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if ok is not true then
    raise exception '%', coalesce(message, 'assertion failed') using errcode = 'PD012';
  end if;
  return true;
end
$$;

-- Return the detail of an error that was being handled when a second one came: it tells of
-- both. `on_failure` that fails again with the same message says nothing more.
create function perdure.both_failed(message text, detail text, second_message text,
  second_state text, what text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select concat_ws(E'\n', nullif(detail, ''), case when what <> 'on_failure'
    or second_message is distinct from message
    then format('%s failed, too: %s (%s)', what, second_message, second_state) end)
$$;

-- Fail again with an error after a step could not be taken back, or a step of `on_failure`
-- failed: as versions of workflows do that were compiled when the error's step was lost.
create function perdure.undo_failed(message text, state text, detail text,
  undo_message text, undo_state text, step text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    message = coalesce(message, 'the workflow failed'),
    errcode = case when state ~ '^[0-9A-Z]{5}$' and state <> '00000' then state
      else 'PD011' end,
    detail = perdure.both_failed(message, detail, undo_message, undo_state,
      case when step = 'on_failure' then step else format('The undo of step "%s"', step) end);
end
$$;

-- Return text percent-encoded for any part of a URL: all but unreserved characters.
create function perdure.url_encode(value text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(case when c ~ '^[A-Za-z0-9_.~-]$' then c
    else regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', E'%\\1', 'g') end, ''
    order by i)
  from regexp_split_to_table(value, '') with ordinality s (c, i)
$$;
