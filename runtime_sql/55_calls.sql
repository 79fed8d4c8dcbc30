-- Calls: a branch that waits for the end of another run.
--
-- The run that ends puts a task into the runs that wait for it, as a signal does, and
-- touches nothing else of theirs; so nobody ever holds a run and waits for its caller.
-- Lock order: the caller's task and instance, then the called run's instance.

-- Begin to wait for the run that a call's query gave, or take its end when it has ended.
create function df_engine.begin_call(p df_engine.move, p_node df_engine.nodes,
  p_step df_engine.step, p_run text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_called df_engine.instances;
begin
  if p_run is null then
    raise exception 'the query of df.call gave no run' using errcode = 'PD003';
  end if;
  v_called := df_engine.own_run((select role from df_engine.instances where id = p.instance),
    p_run);
  if v_called.id = p.instance then
    raise exception 'a run cannot wait for itself' using errcode = 'PD003';
  end if;
  perform df_engine.record_wait(p.instance, p_node.node, p.item, null, p_step.again);
  update df_engine.node_runs set rendered_sql = case when p_step.rendered then p_step.sql end,
    detail = 'waits for the run ' || p_run
  where instance = p.instance and node = p_node.node and item = p.item;
  insert into df_engine.calls (task, instance, called, owned)
  values (p.task, p.instance, v_called.id, df_engine.is_started_here(v_called.id));
  update df_engine.instances set watched = true where id = v_called.id and status = 'active';
  v.node := p_node.node;
  if found then
    v := df_engine.park(v, 'c', p_node.node, null, true);
  else
    perform df_engine.end_call(v);
  end if;
end
$$;

-- Return whether this transaction has started a run: a row that it sees although its
-- transaction is in progress is its own. (A subtransaction has the row's number, which
-- is not below that of the transaction.)
create function df_engine.is_started_here(p_instance bigint) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select case when x.ahead < 2147483648
    then pg_xact_status((x.own + x.ahead)::text::xid8) = 'in progress' else false end
  from df_engine.instances i,
    lateral (select pg_current_xact_id()::text::bigint as own) o,
    lateral (select o.own, (i.xmin::text::bigint - o.own % 4294967296 + 4294967296)
      % 4294967296 as ahead) x
  where i.id = p_instance
$$;

-- Tell those who wait for a run that it has ended.
create function df_engine.tell_callers(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  insert into df_engine.tasks (instance, node, state, frame, ready_at)
  select c.instance, 0, 'g', 0, clock_timestamp()
  from df_engine.calls c where c.called = p_instance;
  perform pg_notify('df_work', '');
end
$$;

-- Wake the branches of a run that wait for a run that has ended. The caller holds the
-- instance row, as does whoever removes such a branch; so none is missed.
create function df_engine.wake_calls(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_wait df_engine.tasks;
begin
  for v_wait in
    select t.* from df_engine.calls c
    join df_engine.tasks t on t.id = c.task
    left join df_engine.instances i on i.id = c.called
    where c.instance = p_instance and t.state = 'c' and t.ready_at is null
      and i.status is distinct from 'active'
    for update of t skip locked
  loop
    v_wait.ready_at := clock_timestamp();
    perform df_engine.replace_task(v_wait);
  end loop;
end
$$;

-- Go on with a branch whose called run has ended.
create function df_engine.end_call(p df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_called df_engine.instances;
  v_failure df_engine.failure;
begin
  select i.* into v_called from df_engine.calls c
  left join df_engine.instances i on i.id = c.called where c.task = p.task;
  delete from df_engine.calls where task = p.task;
  if v_called.status = 'completed' then
    v.how := 'd';
    -- Without rows of its own, so that a reader gets JSON as it is.
    v.result := json_build_object('run_id', v_called.run_id,
      'result', v_called.result::json)::text;
    update df_engine.node_runs set detail = 'the run ' || v_called.run_id
    where instance = p.instance and node = p.node and item = p.item;
    perform df_engine.walk(v);
    return;
  end if;
  v_failure.detail := 'the run ' || v_called.run_id;
  if v_called.status = 'failed' then
    v_failure.message := v_called.error;
    v_failure.sqlstate := v_called.sqlstate;
  elsif v_called.id is null then
    v_failure.sqlstate := 'PD032';
    v_failure.message := 'the called run was removed';
  else
    v_failure.sqlstate := 'PD032';
    v_failure.message := format('the called run %s was cancelled', v_called.run_id)
      || coalesce(': ' || v_called.error, '');
  end if;
  perform df_engine.fail_node(v, v_failure);
end
$$;

-- Cancel the runs that branches of this run have called by starting them, as far as these
-- branches are gone, or, with `p_all`, are to go.
create function df_engine.cancel_calls(p_instance bigint, p_all boolean default false)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_run record;
begin
  for v_run in
    delete from df_engine.calls c
    where c.instance = p_instance
      and (p_all or not exists (select from df_engine.tasks t where t.id = c.task)
        and not exists (select from df_engine.paused_tasks t where t.id = c.task))
    returning c.owned, c.called
  loop
    if v_run.owned then
      perform df_engine.cancel(i.role, i.run_id, 'the run that called it does not wait for it any more')
      from df_engine.instances i where i.id = v_run.called and i.status = 'active';
    end if;
  end loop;
end
$$;
