-- For pg_durable: statements whose failure a workflow handles, and statements that
-- commit together.
--
-- In the extension one error ends the run. So a step whose failure counts is executed
-- here, in a block that catches it, and the failure is kept under a *scope*: a text that
-- the compiled code makes up for the `try` around, unique in the run. What follows asks
-- whether its scope has failed. The statement is a constant; values never stand in it:
-- it reads them as `($1)[n]`, from the array that comes with it, so no value can become
-- code whatever is in it.
--
-- The functions that execute have no search_path of their own, because the statements
-- are the user's and see the user's. So they qualify every name.

create table if not exists perdure.failures (
  run_id text not null,
  scope text not null,
  step text not null,
  message text not null,
  sqlstate text not null,
  detail text not null,
  kind text,
  failed_at timestamptz not null default clock_timestamp(),
  primary key (run_id, scope)
);
alter table perdure.failures enable row level security;

-- A role sees the failures of the runs that it sees.
drop policy if exists own_runs on perdure.failures;
create policy own_runs on perdure.failures
  using (exists (select from df.instances as i where i.id = run_id));

-- Say whether nothing has failed in a scope.
create function perdure.is_fine(p_run text, p_scope text) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select not exists (select from perdure.failures f where f.run_id = p_run and f.scope = p_scope)
$$;

-- Keep the failure of a step; of several in one scope the first counts.
create function perdure.keep_failure(p_run text, p_scope text, p_step text, p_message text,
  p_sqlstate text, p_detail text default '', p_kind text default null) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into perdure.failures (run_id, scope, step, message, sqlstate, detail, kind)
  values (p_run, p_scope, p_step, coalesce(p_message, 'the step failed'),
    coalesce(p_sqlstate, 'PD011'), coalesce(p_detail, ''), p_kind)
  on conflict do nothing;
  select false
$$;

-- Hand the first failure of some scopes on to another one; say whether there is none. The
-- first is that of the first scope in the list, which is in the order of the file.
create function perdure.pass_on(p_run text, p_scope text, p_from text[]) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into perdure.failures (run_id, scope, step, message, sqlstate, detail, kind)
  select f.run_id, p_scope, f.step, f.message, f.sqlstate, f.detail, f.kind
  from perdure.failures f where f.run_id = p_run and f.scope = any (p_from)
  order by array_position(p_from, f.scope), f.failed_at limit 1
  on conflict do nothing;
  select not exists (select from perdure.failures f
    where f.run_id = p_run and f.scope = any (p_from))
$$;

-- Note in the failure of a scope that handling it has failed, too: `p_what`, as is kept in
-- another scope. Once, also when the extension executes it again.
create function perdure.note_second(p_run text, p_scope text, p_second text, p_what text)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  update perdure.failures f
  set detail = perdure.both_failed(f.message, f.detail, s.message, s.sqlstate, p_what)
  from perdure.failures s,
    perdure.both_failed(null, '', s.message, s.sqlstate, p_what) as n (line)
  where f.run_id = p_run and f.scope = p_scope and s.run_id = p_run and s.scope = p_second
    and right(f.detail, length(n.line)) <> n.line;
  select true
$$;

-- Return the failure of a scope, as `err` reads it.
create function perdure.failure(p_run text, p_scope text)
returns table (step text, message text, sqlstate text, detail text)
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select f.step, f.message, f.sqlstate, f.detail
  from perdure.failures f where f.run_id = p_run and f.scope = p_scope
$$;

-- Fail with the first failure of some scopes, if there is one: it ends the run.
create function perdure.raise_failure(p_run text, p_from text[]) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v perdure.failures;
begin
  select f.* into v from perdure.failures f
  where f.run_id = p_run and f.scope = any (p_from)
  order by array_position(p_from, f.scope), f.failed_at limit 1;
  if found then
    raise exception using message = v.message, detail = v.detail,
      errcode = case when v.sqlstate ~ '^[0-9A-Z]{5}$' and v.sqlstate <> '00000'
        then v.sqlstate else 'PD011' end;
  end if;
  return true;
end
$$;

-- What steps have done, where a project wants effects once: the extension records a step
-- in another transaction than its statement, and executes it again when it could not.
create table if not exists perdure.ledger (
  run_id text not null,
  entry text not null,
  ok boolean,
  rows jsonb,
  primary key (run_id, entry)
);
alter table perdure.ledger enable row level security;
drop policy if exists own_runs on perdure.ledger;
create policy own_runs on perdure.ledger
  using (exists (select from df.instances as i where i.id = run_id));

-- Make an entry for a step; return the one that is there if it was done already. A second
-- execution at the same time waits here for the first.
create function perdure.enter(p_run text, p_entry text) returns perdure.ledger
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v perdure.ledger;
begin
  insert into perdure.ledger (run_id, entry) values (p_run, p_entry) on conflict do nothing;
  if not found then
    select l.* into v from perdure.ledger l where l.run_id = p_run and l.entry = p_entry;
  end if;
  return v;
end
$$;

-- Keep what a step has done, in the transaction that does it.
create function perdure.keep_entry(p_run text, p_entry text, p_ok boolean, p_rows jsonb)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  update perdure.ledger set ok = p_ok, rows = p_rows where run_id = p_run and entry = p_entry;
  select p_ok
$$;

-- Execute one statement and return its rows; `p_wanted` null means that nobody wants them.
create function perdure.execute(p_statement text, p_wanted text, p_values text[]) returns jsonb
language plpgsql volatile
as $$
declare
  v_rows jsonb := '[]';
  v_row record;
begin
  if p_wanted is null then
    execute p_statement using p_values;
  else
    for v_row in execute p_statement using p_values loop
      v_rows := v_rows operator(pg_catalog.||)
        pg_catalog.jsonb_build_array(pg_catalog.to_jsonb(v_row));
    end loop;
  end if;
  return v_rows;
end
$$;

-- Return values with the columns that are wanted of the first row after them.
create function perdure.extended(p_values text[], p_wanted text, p_rows jsonb) returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_values || array(select p_rows -> 0 ->> c.name
    from unnest(string_to_array(coalesce(p_wanted, ''), ',')) with ordinality as c (name, n)
    order by c.n)
$$;

-- Execute statements in one transaction. `p_wanted` says by statement what is wanted of
-- its rows: null nothing, '' the rows, else the columns, with commas, that statements
-- after it read of its first row, as the next values. `p_needed` numbers the values that
-- may not be null. With an entry they are executed once. Returns the rows by statement.
create function perdure.perform(p_statements text[], p_wanted text[], p_values text[],
  p_needed integer[] default '{}', p_run text default null, p_entry text default null)
returns jsonb
language plpgsql volatile
as $$
declare
  v_values text[] := p_values;
  v_rows jsonb;
  v_all jsonb := '[]';
begin
  if p_entry is not null then
    v_rows := (perdure.enter(p_run, p_entry)).rows;
    if v_rows is not null then
      return v_rows;
    end if;
  end if;
  for i in 1 .. pg_catalog.cardinality(p_statements) loop
    perform perdure.need(v_values, p_needed);
    v_rows := perdure.execute(p_statements[i], p_wanted[i], v_values);
    v_values := perdure.extended(v_values, p_wanted[i], v_rows);
    v_all := v_all operator(pg_catalog.||) pg_catalog.jsonb_build_array(v_rows);
  end loop;
  if p_entry is not null then
    perform perdure.keep_entry(p_run, p_entry, true, v_all);
  end if;
  return v_all;
end
$$;

-- Raise PD004 when one of the values that are there, and may not be null, is.
create function perdure.need(p_values text[], p_needed integer[]) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number integer;
begin
  foreach v_number in array p_needed loop
    if v_number <= cardinality(p_values) and p_values[v_number] is null then
      raise exception 'a value that the step reads is null, or its row does not exist'
        using errcode = 'PD004';
    end if;
  end loop;
end
$$;

-- Execute statements as `perform` does, and keep a failure in the scope, as one of its
-- step. Nothing is executed when the scope has failed already; with an entry, nothing
-- twice.
create function perdure.attempt(p_run text, p_scope text, p_steps text[],
  p_statements text[], p_wanted text[], p_values text[], p_needed integer[] default '{}',
  p_entry text default null)
returns table (ok boolean, rows jsonb)
language plpgsql volatile
as $$
declare
  v_at integer := 1;
  v_values text[] := p_values;
  v_rows jsonb;
  v_message text;
  v_sqlstate text;
  v_detail text;
begin
  if p_entry is not null then
    select l.ok, l.rows into ok, rows from perdure.enter(p_run, p_entry) as l;
    if ok is not null then
      return next;
      return;
    end if;
  end if;
  ok := perdure.is_fine(p_run, p_scope);
  if ok then
    begin
      rows := '[]';
      while v_at <= pg_catalog.cardinality(p_statements) loop
        perform perdure.need(v_values, p_needed);
        v_rows := perdure.execute(p_statements[v_at], p_wanted[v_at], v_values);
        v_values := perdure.extended(v_values, p_wanted[v_at], v_rows);
        rows := rows operator(pg_catalog.||) pg_catalog.jsonb_build_array(v_rows);
        v_at := v_at operator(pg_catalog.+) 1;
      end loop;
    exception when others then
      get stacked diagnostics v_message = message_text, v_sqlstate = returned_sqlstate,
        v_detail = pg_exception_detail;
      rows := null;
      ok := perdure.keep_failure(p_run, p_scope, p_steps[v_at], v_message, v_sqlstate, v_detail);
    end;
  end if;
  if p_entry is not null then
    perform perdure.keep_entry(p_run, p_entry, ok, rows);
  end if;
  return next;
end
$$;

-- Execute a query of one boolean as `attempt` does; return it, or `p_else` on failure.
create function perdure.attempt_condition(p_run text, p_scope text, p_step text,
  p_statement text, p_values text[], p_needed integer[], p_else boolean) returns boolean
language sql volatile
as $$
  select case when a.ok then coalesce((select r.value::boolean from pg_catalog.jsonb_each_text(
    a.rows operator(pg_catalog.->) 0 operator(pg_catalog.->) 0) as r limit 1), false)
    else p_else end
  from perdure.attempt(p_run, p_scope, array[p_step], array[p_statement], array[''], p_values,
    p_needed) as a
$$;

-- Say whether a failure is worth another attempt.
create function perdure.is_retryable(p_on text[], p_sqlstate text, p_kind text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_on is null then
    coalesce(left(p_sqlstate, 2) in ('08', '53') or left(p_sqlstate, 3) = '57P'
      or p_sqlstate in ('40001', '40P01', '55P03'), false)
    or coalesce(p_kind in ('transport', '408', '425', '429') or p_kind ~ '^5\d\d$', false)
  else coalesce(p_on && array[p_sqlstate, left(p_sqlstate, 2), p_kind,
    left(p_kind, 1) || 'xx'], false) end
$$;

-- Return when to try again what failed in a scope, null for not at all. `p_on` are the
-- failures that are worth it; null stands for those that pass by themselves. Times are
-- milliseconds.
create function perdure.retry_at(p_run text, p_scope text, p_attempt integer, p_max integer,
  p_backoff bigint, p_factor numeric, p_cap bigint, p_jitter boolean, p_on text[])
returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select clock_timestamp() + make_interval(secs => (least(
      p_backoff * power(p_factor, least(p_attempt - 1, 100)), coalesce(p_cap, 31536000000))
    / 1000 * case when p_jitter then 0.5 + random()::numeric / 2 else 1 end)::double precision)
  from perdure.failures f
  where f.run_id = p_run and f.scope = p_scope and p_attempt < p_max
    and perdure.is_retryable(p_on, f.sqlstate, f.kind)
$$;
