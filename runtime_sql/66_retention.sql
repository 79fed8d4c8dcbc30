-- Retention: runs that ended are removed when they are older than their status is kept,
-- or when there are more of it than are kept (df.configure). Runs that have not ended are
-- never touched.
--
-- * A run with a key goes by its age alone: the key is remembered as long as the run, and
--   a burst of other runs must not let a key start its run twice. And for an hour no run
--   goes by number, so that whoever started it can read its result.
-- * Work is done in small transactions, each of which locks only what it removes, by SKIP
--   LOCKED; one session at a time is at it, by a lock on the one row of df_engine.retention,
--   which also says where to go on.
-- * Runs are looked through in the order of their numbers, which is that of their start.
--   So no index is needed on their end, which would cost every run more than all this
--   does: the row of a run could not be updated in place. It is not looked further than
--   to the first run that is too young to be removed.
-- * Its statements are cheap, and their plans look dear where seqscan is off: no jit.
-- * A run's row goes first, what belongs to it afterwards: nobody sees half a run.

create table df_engine.retention (
  only_row boolean primary key default true check (only_row),
  phase "char" not null default 'c',    -- c count, s look through runs, g graphs
  scanned bigint not null default 0,    -- run, or graph, that was looked at last
  counted_to bigint not null default 0, -- last run when they were counted
  counted_for integer not null default 0,  -- keep_runs when they were counted
  -- By status: completed, failed, cancelled.
  counts bigint[] not null default '{0,0,0}',   -- of this count so far
  surplus bigint[] not null default '{0,0,0}',  -- up to this run there are too many
  pruned bigint[] not null default '{0,0,0}',   -- removed ever
  leftover bigint[] not null default '{}',      -- runs that are gone, but not what is theirs
  swept_at timestamptz
) with (fillfactor = 50);
insert into df_engine.retention default values;

-- Return the place of a status in the arrays of df_engine.retention.
create function df_engine.place(p_status text) returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select array_position(array['completed', 'failed', 'cancelled'], p_status) $$;

-- Begin the count of runs, or leave it out: a count is good until a quarter of what is
-- kept has been added. Returns the phase to go on with.
create function df_engine.begin_count(p_keep integer) returns "char"
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v df_engine.retention;
  v_last bigint := coalesce((select id from df_engine.instances order by id desc limit 1), 0);
begin
  select * into strict v from df_engine.retention;
  if p_keep = v.counted_for and (p_keep = 0 or v_last - v.counted_to < p_keep / 4) then
    update df_engine.retention set phase = 's', scanned = 0;
    return 's';
  end if;
  update df_engine.retention set phase = 'c', scanned = v_last + 1, counted_to = v_last,
    counted_for = p_keep, counts = '{0,0,0}', surplus = '{0,0,0}';
  return case when p_keep = 0 then 's' else 'c' end;
end
$$;

-- Count on, from the newest runs to older ones, until of each status there are more than
-- `p_keep` or there are no more runs.
create function df_engine.count_some(p_keep integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v df_engine.retention;
  v_last bigint;
begin
  select * into strict v from df_engine.retention;
  with seen as materialized (
    select i.id, df_engine.place(i.status) as place, i.key is null as counts
    from df_engine.instances i where i.id < v.scanned order by i.id desc limit 5000),
  numbered as (
    select id, place, v.counts[place] + row_number() over (partition by place order by id desc) as n
    from seen where place is not null and counts),
  found as (
    select p, coalesce(max(n), v.counts[p]) as n,
      coalesce(nullif(v.surplus[p], 0), max(id) filter (where n = p_keep + 1), 0) as surplus
    from generate_series(1, 3) p left join numbered on place = p group by p)
  select (select min(id) from seen), array_agg(n order by p), array_agg(surplus order by p)
  into v_last, v.counts, v.surplus from found;
  if v_last is null or 0 <> all (v.surplus) then
    update df_engine.retention set phase = 's', scanned = 0, counts = v.counts, surplus = v.surplus;
  else
    update df_engine.retention set scanned = v_last, counts = v.counts, surplus = v.surplus;
  end if;
end
$$;

-- Remove those of some runs, given by number, that are no longer kept. Lock order:
-- instances, by SKIP LOCKED; then graphs that keep the name of a deployed version.
create function df_engine.remove_runs(p_runs bigint[], p_surplus bigint[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  s df_engine.settings;
  v_gone df_engine.instances[];
begin
  select * into strict s from df_engine.settings;
  with gone as (
    delete from df_engine.instances where id in (
      select i.id from df_engine.instances i
      where i.id = any (p_runs) and i.status <> 'active'
        and (i.completed_at < clock_timestamp() - case i.status
               when 'completed' then nullif(s.keep_completed, '0')
               when 'failed' then nullif(s.keep_failed, '0')
               else nullif(s.keep_cancelled, '0') end
          or i.key is null and i.id <= p_surplus[df_engine.place(i.status)]
             and i.completed_at < clock_timestamp() - interval '1 hour')
        and not exists (select from df_engine.tasks t where t.instance = i.id)
        and not exists (select from df_engine.calls c where c.called = i.id)
      for update skip locked)
    returning *)
  select coalesce(array_agg(gone), '{}') into v_gone from gone;
  update df_engine.graphs g set label = l.label
  from (select distinct on (i.graph) i.graph, i.label from unnest(v_gone) i
        join perdure.workflow_versions w on i.label = w.name || '@' || w.version) l
  where g.id = l.graph and g.label is distinct from l.label;
  update df_engine.retention set leftover = array(select id from unnest(v_gone)),
    pruned = (select array_agg(r.pruned[p] + (select count(*) from unnest(v_gone) i
      where df_engine.place(i.status) = p) order by p) from df_engine.retention r,
      generate_series(1, 3) p);
  return cardinality(v_gone);
end
$$;

-- Remove rows that belonged to removed runs, so many of each table; forget the runs when
-- that was all.
create function df_engine.remove_leftover(p_rows integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_runs bigint[] := (select leftover from df_engine.retention);
  v_most integer;
begin
  with
  a as (delete from df_engine.node_runs where ctid = any (array(select ctid
    from df_engine.node_runs where instance = any (v_runs) limit p_rows)) returning 1),
  b as (delete from df_engine.items where ctid = any (array(select ctid
    from df_engine.items where instance = any (v_runs) limit p_rows)) returning 1),
  c as (delete from df_engine.signals where ctid = any (array(select ctid
    from df_engine.signals where instance = any (v_runs) limit p_rows)) returning 1),
  d as (delete from df_engine.failed_tasks where ctid = any (array(select ctid
    from df_engine.failed_tasks where instance = any (v_runs) limit p_rows)) returning 1),
  e as (delete from df_engine.failed_names where ctid = any (array(select ctid
    from df_engine.failed_names where instance = any (v_runs) limit p_rows)) returning 1)
  select greatest((select count(*) from a), (select count(*) from b), (select count(*) from c),
    (select count(*) from d), (select count(*) from e)) into v_most;
  if v_most < p_rows then
    update df_engine.retention set leftover = '{}';
  end if;
end
$$;

-- Look through the next runs, and remove what is not kept. Ends this phase when all that
-- follow are too young. Returns how many were removed.
create function df_engine.prune_some(p_runs integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v df_engine.retention;
  v_runs bigint[];
  v_last timestamptz;
  v_horizon timestamptz := (select clock_timestamp() - least(nullif(keep_completed, '0'),
    nullif(keep_failed, '0'), nullif(keep_cancelled, '0')) from df_engine.settings);
  v_removed integer;
begin
  select * into strict v from df_engine.retention;
  select array_agg(id order by id), max(created_at) into v_runs, v_last from (
    select i.id, i.created_at from df_engine.instances i
    where i.id > v.scanned order by i.id limit p_runs) seen;
  if v_runs is not null then
    v_removed := df_engine.remove_runs(v_runs, v.surplus);
    v.scanned := v_runs[cardinality(v_runs)];
  end if;
  if v_runs is null or v.scanned > all (v.surplus) and (v_last < v_horizon) is not true then
    update df_engine.retention set phase = 'g', scanned = 0;
  else
    update df_engine.retention set scanned = v.scanned;
  end if;
  return coalesce(v_removed, 0);
end
$$;

-- Once a day, look at the next graph that is older than a day, and remove it unless it has
-- runs or belongs to a deployed version; it would be prepared again. After the last one,
-- forget the limits of concurrency keys that no run has. Returns whether there are more. Lock order: the graph, by SKIP LOCKED. df_engine.prepare() locks it against
-- this, so that a run cannot start in between.
create function df_engine.sweep_graph() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.retention;
  v_graph integer;
begin
  select * into strict v from df_engine.retention;
  if v.scanned = 0 and v.swept_at > clock_timestamp() - interval '1 day' then
    return false;
  end if;
  select g.id into v_graph from df_engine.graphs g
  where g.id > v.scanned and g.created_at < clock_timestamp() - interval '1 day'
  order by g.id limit 1;
  if v_graph is null then
    delete from df_engine.limits l where not exists (
      select from df_engine.turns t where t.role = l.role and t.key = l.key);
    update df_engine.retention set swept_at = clock_timestamp(), scanned = 0;
    return false;
  end if;
  update df_engine.retention set scanned = v_graph;
  perform from df_engine.graphs g where g.id = v_graph and not exists (
      select from perdure.workflow_versions w where g.label = w.name || '@' || w.version)
    for update skip locked;
  if found and not exists (select from df_engine.instances i where i.graph = v_graph) then
    delete from df_engine.graphs where id = v_graph;
  end if;
  return true;
end
$$;

-- Do the next piece of retention. `more` is false when all was looked through, or when
-- another session is at it.
create function df_engine.prune_next(p_runs integer, out removed integer, out more boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.retention;
  v_keep integer := (select keep_runs from df_engine.settings);
begin
  removed := 0;
  more := true;
  select * into v from df_engine.retention for update skip locked;
  if not found then
    more := false;
  elsif v.leftover <> '{}' then
    perform df_engine.remove_leftover(p_runs * 10);
  elsif v.phase = 'c' and (v.scanned = 0 or v.counted_for <> v_keep) then
    if df_engine.begin_count(v_keep) = 's' then
      update df_engine.retention set phase = 's', scanned = 0;
    end if;
  elsif v.phase = 'c' then
    perform df_engine.count_some(v_keep);
  elsif v.phase = 's' then
    removed := df_engine.prune_some(p_runs);
    perform df_engine.remove_leftover(p_runs * 10);
  elsif not df_engine.sweep_graph() then
    update df_engine.retention set phase = 'c', scanned = 0;
    more := false;
  end if;
end
$$;

-- Remove what is no longer kept, `runs` of them in a transaction, until all was looked
-- through or `max_ms` milliseconds have passed; the next call goes on there. The worker
-- does this every minute. Returns how many runs were removed, and whether there is more.
create procedure df.prune(max_ms integer default null, runs integer default 500,
  inout pruned bigint default 0, inout more boolean default null)
language plpgsql
as $$
declare
  v_next record;
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  pruned := 0;
  loop
    v_next := df_engine.prune_next(runs);
    commit;
    pruned := pruned operator(pg_catalog.+) v_next.removed;
    more := v_next.more;
    exit when not more or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
end
$$;
