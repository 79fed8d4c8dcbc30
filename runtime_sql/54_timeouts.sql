-- Timeouts: a race of a node against a timer, which has a task of its own; and ending
-- statements that are being executed.

-- Begin a node that may take only so long.
create function df_engine.begin_timeout(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
  v_due timestamptz := df.now()
    + make_interval(secs => (p_node.config ->> 's')::double precision);
begin
  perform df_engine.forget_inside(p.instance, p.item, p_node);
  perform df_engine.record_wait(p.instance, p_node.node, p.item, v_due,
    df_engine.is_retried(p.task));
  v := df_engine.park(p, 'j', p_node.node, null, true);
  update df_engine.tasks t set pending = 1, forks = t.forks + 1
  where t.id = p.task returning * into v_task;
  insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, ready_at)
  select p.instance, f.node, df_engine.entry_state(f.op)::"char", c.node, p.item, p.task,
    v_task.forks, clock_timestamp()
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  where c.graph = p.graph and c.node = p_node.node + 1;
  insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, wake_at)
  values (p.instance, p_node.node, 't', p_node.node + 1, p.item, p.task, v_task.forks, v_due);
  perform df_engine.announce_timer(v_due);
  perform pg_notify('df_work', '');
  return v;
end
$$;

-- Let the timer of a timeout, whose move this is, end it. Lock order: the timer's task is
-- held; then the instance.
create function df_engine.time_out(p df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_failure df_engine.failure;
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  v_failure.sqlstate := 'PD031';
  v_failure.message := 'timed out after ' || (select config ->> 'after' from df_engine.nodes
    where graph = p.graph and node = p.node);
  perform df_engine.set_error(p.instance, p.node, p.item, v_failure);
  v.how := 'p';
  v.child := p.node + 1;
  v.outcome := 'failed';
  v.result := df_engine.error_text(p.node, v_failure);
  perform df_engine.walk(v);
end
$$;

-- End the timeouts and the runs that are over their time. For a worker whose only session
-- is busy with the very statement that takes too long.
create function df_engine.fire_timeouts() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_task df_engine.tasks;
  v_step df_engine.step;
  v_ok boolean;
begin
  for v_task in
    select * from df_engine.tasks t
    where t.state in ('t', 'o') and t.wake_at <= df.now() order by t.wake_at
    for update skip locked
  loop
    perform 1 from df_engine.instances where id = v_task.instance for update skip locked;
    continue when not found;  -- the next call will find it; no run is waited for here
    v_step := df_engine.read_step(v_task);
    if v_step.active and (v_step.parent is null
       or df_engine.is_awaited(v_step.parent, v_step.epoch)) then
      v_ok := df_engine.resume(v_step);
    end if;
  end loop;
end
$$;

-- Cancel the statements of branches that are not wanted any more: those of a range of
-- frames, of some items or (null) of all, that other sessions execute. The caller holds
-- the instance row. Every step inside of a race or a timeout locks that row before it
-- commits, so the session that holds such a task cannot have gone on to other work, and
-- what it does is undone in any case; fail() sees to it that it is nobody's failure. (The
-- claim's row lock names its transaction, and so the session; an advisory lock per step
-- was the other way, and would cost each of them something.)
create function df_engine.interrupt(p_instance bigint, p_first integer, p_last integer,
  p_items integer[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
declare
  v_holders xid[];
begin
  select array_agg(t.xmax) into v_holders
  from df_engine.tasks t
  join df_engine.instances i on i.id = t.instance
  join df_engine.nodes n on n.graph = i.graph and n.node = t.node
  where t.instance = p_instance and t.frame between p_first and p_last
    and (p_items is null or t.item = any (p_items))
    and t.state in ('x', 'k') and n.guarded;
  if v_holders is not null then
    perform pg_cancel_backend(a.pid) from pg_stat_activity a
    where a.backend_xid = any (v_holders) and a.pid <> pg_backend_pid();
  end if;
exception when insufficient_privilege then
  null;  -- the session belongs to a superuser; its step is undone when it ends
end
$$;
