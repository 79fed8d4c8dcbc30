-- Concurrency limits: of the runs with one key of one role, so many are active at once;
-- the others wait for their turn, in the order of their starts.
--
-- A start puts its run into df_engine.turns and adds a task of state 'q', which asks for
-- turns to be given. Whoever ends a run does the same for one of those that wait. Only
-- the session that takes such a task, in a transaction of its own, locks the key's row in
-- df_engine.limits, counts the active runs and lets the next ones begin. So neither a
-- start nor a step ever waits for another run of its key, and since the active runs are
-- counted, not kept count of, nothing can be lost with a session.
--
-- The limit in force is the one that the latest start gave.

-- Have turns given for the key of a run.
create function df_engine.ask_for_turns(p_instance bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df_engine.tasks (instance, node, state, frame, ready_at)
  values (p_instance, 0, 'q', 0, clock_timestamp());
  select pg_notify('df_work', '');
$$;

-- Let a run wait for its turn, beginning at a node; null for one that goes on with the
-- tasks that it failed with.
create function df_engine.queue_run(p_instance bigint, p_limit integer, p_node integer,
  p_state "char") returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  insert into df_engine.turns (instance, role, key, max_active, node, state)
  select i.id, i.role, i.concurrency_key, p_limit, p_node, p_state
  from df_engine.instances i where i.id = p_instance;
  select df_engine.ask_for_turns(p_instance);
$$;

-- Take a run that ends out of the turns, and have the next one considered: always, since
-- a run that waits may not be visible yet to the session that ends this one, nor this
-- one's end to the session that starts it.
create function df_engine.leave_turns(p_instance bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  delete from df_engine.turns where instance = p_instance;
  select df_engine.ask_for_turns(p_instance);
$$;

-- Do a task that asks for turns of its run's key. A run that is paused before its turn
-- lets others pass. Lock order: the task, the key's limit; alone in its transaction.
create function df_engine.give_turns(p_task bigint, p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_run df_engine.instances;
  v_turn df_engine.turns;
  v_free integer;
begin
  perform df_engine.drop_task(p_task);
  select * into v_run from df_engine.instances where id = p_instance;
  if v_run.concurrency_key is null then
    return;
  end if;
  v_free := df_engine.lock_limit(v_run.role, v_run.concurrency_key);
  v_free := v_free - (select count(*) from df_engine.turns t  -- as it is under the lock
    where t.role = v_run.role and t.key = v_run.concurrency_key and t.active);
  for v_turn in
    select t.* from df_engine.turns t join df_engine.instances i on i.id = t.instance
    where t.role = v_run.role and t.key = v_run.concurrency_key and not t.active
      and i.paused_at is null
    order by t.instance limit greatest(v_free, 0)
  loop
    perform df_engine.take_turn(v_turn);
  end loop;
end
$$;

-- Lock the limit of a key, bring it up to date with the latest start, and return it: 1
-- when no start has given one.
create function df_engine.lock_limit(p_role regrole, p_key text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_limit df_engine.limits;
begin
  loop
    insert into df_engine.limits (role, key, max_active) values (p_role, p_key, 1)
    on conflict do nothing;
    select * into v_limit from df_engine.limits where role = p_role and key = p_key for update;
    exit when found;  -- df.prune may have removed it meanwhile
  end loop;
  update df_engine.limits l set max_active = n.max_active, latest = n.instance
  from (select t.max_active, t.instance from df_engine.turns t
        where t.role = p_role and t.key = p_key and t.max_active is not null
        order by t.instance desc limit 1) n
  where l.role = p_role and l.key = p_key and n.instance > l.latest
  returning l.* into v_limit;
  return coalesce(v_limit.max_active,
    (select max_active from df_engine.limits where role = p_role and key = p_key));
end
$$;

-- Let a run that waited begin, or go on.
create function df_engine.take_turn(p_turn df_engine.turns) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  update df_engine.turns set active = true where instance = p_turn.instance and not active;
  if not found then  -- cancelled meanwhile
    return;
  elsif p_turn.node is null then
    perform df_engine.put_back(p_turn.instance);
  else
    insert into df_engine.tasks (instance, node, state, frame, ready_at)
    values (p_turn.instance, p_turn.node, p_turn.state, 1, clock_timestamp());
  end if;
  perform pg_notify('df_work', '');
end
$$;
