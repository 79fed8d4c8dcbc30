-- For pg_durable: keys of runs, turns of runs, and what starts runs by a schedule.

-- Return the run that was started with a key, by this role; null for none, and for no key.
create function perdure.run_of(p_workflow text, p_key text) returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case when p_key is not null then perdure.started(p_workflow || '()', p_key) end
$$;

-- Keep the run that was started with a key, and return it.
create function perdure.keep_run(p_workflow text, p_key text, p_run text) returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case when p_key is null then p_run
    else perdure.keep_start(p_workflow || '()', p_key, p_run) end
$$;

-- The runs that wait for their turn, or have had it, in the order in which they came.
create table if not exists perdure.turns (
  run_id text primary key,
  role text not null default current_user,
  key text not null,
  ticket bigint generated always as identity
);
create index if not exists turns_of_key on perdure.turns (role, key, ticket);
alter table perdure.turns enable row level security;
drop policy if exists own on perdure.turns;
create policy own on perdure.turns using (role = current_user) with check (role = current_user);

-- Say whether a run may begin: so many of its role and key go on at a time. Nothing is to
-- be given back: a run that has ended, however, no longer counts. Lock order: the key.
create function perdure.take_turn(p_run text, p_key text, p_limit integer) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ticket bigint;
begin
  if p_key is null then
    return true;
  end if;
  perform pg_advisory_xact_lock(hashtextextended(
    format('perdure.turns %s %s', current_user, p_key), 0));
  insert into perdure.turns (run_id, key) values (p_run, p_key) on conflict do nothing;
  select t.ticket into v_ticket from perdure.turns t where t.run_id = p_run;
  delete from perdure.turns t where t.role = current_user and t.key = p_key
    and t.run_id <> p_run and not perdure.is_going_on(t.run_id);
  return (select count(*) < p_limit from perdure.turns t
    where t.role = current_user and t.key = p_key and t.ticket < v_ticket);
end
$$;

-- What a schedule has started last, and how often it has come.
create table if not exists perdure.ticks (
  supervisor text primary key,
  role text not null default current_user,
  last_run text,
  count bigint not null default 0
);
alter table perdure.ticks enable row level security;
drop policy if exists own on perdure.ticks;
create policy own on perdure.ticks using (role = current_user) with check (role = current_user);

-- Say whether the last run that a schedule started goes on. Its supervisor may be the
-- successor of the one that started it: they have one label.
create function perdure.has_overlap(p_supervisor text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from perdure.ticks t
    where perdure.is_going_on(t.last_run) and (t.supervisor = p_supervisor
      or exists (select from df.instances s, df.instances o
        where s.id = p_supervisor and o.id = t.supervisor and o.label = s.label)))
$$;

-- Start a run at a tick; with `p_skip` not while the last one goes on. A start that fails
-- is passed over, and the schedule goes on. Each tick counts, because each is a round of
-- the supervisor's loop. Returns the run, null for none.
create function perdure.tick(p_supervisor text, p_start text, p_skip boolean) returns text
language plpgsql volatile
as $$
declare
  v_run text;
begin
  if not p_skip or not perdure.has_overlap(p_supervisor) then
    begin
      execute p_start into v_run;
    exception when others then
      v_run := null;
    end;
  end if;
  insert into perdure.ticks as t (supervisor, last_run, count) values (p_supervisor, v_run, 1)
  on conflict (supervisor) do update set last_run = coalesce(excluded.last_run, t.last_run),
    count = t.count operator(pg_catalog.+) 1;
  return v_run;
end
$$;

-- Say whether a supervisor goes on: the extension ends a loop after 100,000 rounds, so
-- another one takes over before that.
create function perdure.goes_on(p_supervisor text) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select t.count < 50000 from perdure.ticks t
    where t.supervisor = p_supervisor), true)
$$;
