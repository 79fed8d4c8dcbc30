-- The worker's procedure and what it does with one step.

-- Do one leaf: run its statement as the run's role and record it, or record why it
-- failed; then walk to the next leaf. Returns true; null, with everything undone, when a
-- step of a batch (`p_in_batch`, see 58_batch.sql) has to be done again alone. A statement
-- that prepares one of a name that an earlier step has left is done once more (`p_again`).
-- The task of a step that was claimed ahead (58_ahead.sql) stands at the next one already.
--
-- The statement has a subtransaction, which the walk shares where it can fail. What
-- proceed() does cannot, so it comes after: an update there of the row that the claim has
-- locked outside would make a multixact, which everybody who comes across the dead row
-- has to look up. For the same reason a task that walks is replaced before, see
-- take_turn(). Nothing here may use an operator or an unqualified name: the statement may
-- have left a hostile search_path behind, until tidy() is done. (Functions are called by
-- assignment: `perform` would start the executor for each. PL/pgSQL builds expressions anew
-- in every transaction, so those that a plain statement comes by are few.)
create function df_engine.attempt(p_step df_engine.step, p_in_batch boolean default false,
  p_again boolean default false) returns boolean
language plpgsql
as $$
declare
  v_outcome df_engine.outcome;
  v_failure df_engine.failure;
  v_ok boolean;
begin
  if not p_step.plain then
    v_ok := df_engine.take_turn(p_step);
    if p_step.op operator(pg_catalog.=) 'transaction' then
      return df_engine.attempt_transaction(p_step);
    end if;
  end if;
  begin
    if p_step.sql is null then
      if p_step.error is not null then
        perform df_engine.raise_reference(p_step.error);
      end if;
      p_step.sql := df_engine.render(p_step.parts, p_step.refs, p_step.instance,
        p_step.input, p_step.scopes, p_step.item, true);
    end if;
    if p_in_batch then
      v_ok := df_engine.limit_waits();
    end if;
    v_outcome := df_engine.dispatch(p_step.executor, p_step.sql, p_step.capture, p_step.rows,
      p_step.search_path, p_step.time_zone);
    v_ok := df_engine.tidy(p_in_batch);
    if not p_step.plain or not df_engine.is_small(p_step.sql, v_outcome.result) then
      if p_in_batch then
        v_ok := df_engine.limit_waits();
      end if;
      return df_engine.succeed(p_step, v_outcome);
    end if;
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics v_failure.message = message_text,
      v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
      v_failure.context = pg_exception_context;
    if p_step.sql is null and v_failure.sqlstate operator(pg_catalog.<>) '57014' then
      v_failure.sqlstate := 'PD004';  -- it could not be rendered
    end if;
    v_ok := df_engine.tidy(p_in_batch);
    if p_step.state operator(pg_catalog.=) '>' then
      v_ok := df_engine.step_back(p_step.task, p_step.node, p_step.turn);
      p_step.state := 'x';
    end if;
    if v_failure.sqlstate operator(pg_catalog.=) '42P05' and not p_in_batch and not p_again then
      if df_engine.deallocate() then
        return df_engine.attempt(p_step, false, true);
      end if;
    end if;
    return df_engine.fail(p_step, v_failure, v_outcome.row_count is not null, p_in_batch);
  end;
  return case when p_step.state operator(pg_catalog.=) '>'
    then df_engine.record_ahead(p_step.instance, p_step.node, p_step.item, p_step.scope,
      p_step.claimed_at, v_outcome.result, v_outcome.row_count,
      case when p_step.rendered then df_engine.filled(p_step.parts, p_step.sql) end)
    else df_engine.proceed(p_step, v_outcome) end;
end
$$;

-- Return whether what there is to record of a leaf is small, so that this cannot fail.
-- (Inlined; parsed here, it needs no path there.)
create function df_engine.is_small(p_sql text, p_result text) returns boolean
language sql immutable
return coalesce(octet_length(p_result), 0) + octet_length(p_sql) < 1000000;

-- Raise the error of a statement that could not be rendered.
create function df_engine.raise_reference(p_message text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', p_message using errcode = 'PD004';
end
$$;

-- Record the success of a plain leaf and set its task to the next one, or end the run; with
-- the tenth turn the task queues again behind the others. Lock order: the task is held.
create function df_engine.proceed(p_step df_engine.step, p_outcome df_engine.outcome)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_ok boolean;
begin
  if p_step.next_state <> 'x' then
    return df_engine.end_run(p_step, p_outcome);
  end if;
  v_ok := df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
  if p_step.again then
    perform df_engine.leave_retries(p_step.task, p_step.graph, p_step.next_node);
  end if;
  update df_engine.tasks t set node = p_step.next_node, state = 'x',
    turns = case when p_step.turn < 10 then p_step.turn else 0 end,
    moved_at = clock_timestamp(),
    ready_at = case when p_step.turn < 10 then t.ready_at else clock_timestamp() end,
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  return v_ok;
end
$$;

-- Record the success of the plain leaf that a run ends with, and end the run: all that walk()
-- and finish() do for one whose end concerns nobody else. Lock order: the task is held, then
-- the instance.
create function df_engine.end_run(p_step df_engine.step, p_outcome df_engine.outcome)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_ok boolean;
begin
  update df_engine.instances i set status = 'completed',
    result = coalesce(p_outcome.result, 'null'),
    started_at = coalesce((select t.started_at from df_engine.tasks t where t.id = p_step.task),
      p_step.claimed_at),
    completed_at = clock_timestamp()
  where i.id = p_step.instance and i.status = 'active' and i.paused_at is null
    and i.watched is not true;
  if not found then  -- it was paused or called meanwhile
    v_ok := df_engine.take_turn(p_step);
    return df_engine.succeed(p_step, p_outcome);
  end if;
  v_ok := df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
  delete from df_engine.tasks where id = p_step.task;
  perform df_engine.forget_run(p_step.instance);
  return true;
end
$$;

-- Record the success of a leaf and walk on from it. Lock order: the task is held; inside
-- a race the instance comes first, to know that the branch is still wanted.
create function df_engine.succeed(p_step df_engine.step, p_outcome df_engine.outcome)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v df_engine.move;
begin
  if p_step.guarded and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.raise_lost();
  end if;
  if p_step.op <> 'sql' then
    perform df_engine.succeed_native(p_step, p_outcome);
    return true;
  elsif p_step.next_state = 'x' then
    return df_engine.proceed(p_step, p_outcome);
  end if;
  v := df_engine.move_of(p_step);
  v.how := p_step.next_state;
  v.node := p_step.next_node;
  v.child := p_step.node;
  v.outcome := 'ok';
  v.result := p_outcome.result;
  perform df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
  if p_step.again then
    perform df_engine.leave_retries(p_step.task, p_step.graph, p_step.next_node);
  end if;
  perform df_engine.walk(v);
  return true;
end
$$;

-- Put a new row in the place of a claimed task that is going to walk, with its first start
-- and its place in the queue. To be done before the subtransaction in which it walks: the
-- old row carries this transaction's lock, and what a subtransaction changes of it would
-- become a multixact, which index scans look up again and again until a vacuum.
create function df_engine.take_turn(p_step df_engine.step) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_task df_engine.tasks;
begin
  delete from df_engine.tasks t where t.id = p_step.task returning * into v_task;
  if p_step.state = 'x' then
    v_task.turns := case when p_step.turn >= 10 then 0 else p_step.turn end;
    v_task.ready_at := case when p_step.turn >= 10 then clock_timestamp() else v_task.ready_at end;
  end if;
  if p_step.state not in ('-', 'q', 'o', 'g') then
    v_task.started_at := coalesce(v_task.started_at, p_step.claimed_at);
  end if;
  insert into df_engine.tasks select v_task.*;
  return true;
end
$$;

-- Return the position of a step's branch.
create function df_engine.move_of(p_step df_engine.step) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
begin
  v.task := p_step.task;
  v.instance := p_step.instance;
  v.graph := p_step.graph;
  v.frame := p_step.frame;
  v.item := p_step.item;
  v.parent := p_step.parent;
  v.epoch := p_step.epoch;
  v.rounds := 0;
  return v;
end
$$;

-- Go on after what a leaf did that is not a plain statement.
create function df_engine.succeed_native(p_step df_engine.step, p_outcome df_engine.outcome)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
  v_node df_engine.nodes;
  v_value text;
begin
  select * into strict v_node from df_engine.nodes
  where graph = p_step.graph and node = p_step.node;
  if p_step.again and p_step.op not in ('foreach', 'call') then  -- these have only begun
    perform df_engine.leave_retries(p_step.task, p_step.graph, p_step.next_node);
  end if;
  if p_step.op = 'return' then
    perform df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
    perform df_engine.walk(df_engine.raise_up(v, v_node, 'return', p_outcome.result));
    return;
  elsif p_step.op = 'foreach' then
    perform df_engine.walk(df_engine.begin_items(v, v_node, p_step, p_outcome.result));
    return;
  elsif p_step.op = 'transaction' then
    v.result := p_outcome.result;
    perform df_engine.record_success(p_step, case when v_node.keep then v.result end,
      p_outcome.row_count);
    perform df_engine.walk(df_engine.leave(v, v_node));
    return;
  end if;
  select value into v_value from json_each_text(p_outcome.result::json -> 'rows' -> 0) limit 1;
  if p_step.op = 'call' then
    perform df_engine.begin_call(v, v_node, p_step, v_value);
    return;
  elsif v_value is null then
    raise exception 'the query of a timer gave no value' using errcode = 'PD003';
  end if;
  v := df_engine.sleep_to(v, p_step.node, case p_step.op
    when 'sleep_for' then df_engine.end_of_sleep(v_value::interval)
    else df_engine.end_of_wait(v_value::timestamptz) end);
end
$$;

-- Record the failure of a step and go on from there. Returns false when the work is not
-- wanted any more. What failed in a batch has to be done again alone: null when it was the
-- statement, false when it was what follows from it. A cancelled query is not the
-- step's failure unless a timeout did it.
create function df_engine.fail(p_step df_engine.step, p_failure df_engine.failure,
  p_done boolean, p_in_batch boolean default false) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_failure df_engine.failure := p_failure;
begin
  if p_failure.sqlstate = '57014' and p_failure.message not like '%timeout%' then
    v_failure.detail := df_engine.take_interrupt();  -- see 59_watch.sql
    if v_failure.detail is not null then
      v_failure.message := 'canceling statement due to statement timeout';
      return df_engine.fail(p_step, v_failure, p_done, p_in_batch);
    end if;
    if p_step.guarded
       and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
      perform df_engine.drop_task(p_step.task);  -- see interrupt()
      return false;
    end if;
    raise exception '%', p_failure.message using errcode = '57014';
  elsif p_in_batch then
    return case when p_done then false end;
  elsif p_done and left(p_failure.sqlstate, 2) = '40' then  -- the engine's own conflict
    update df_engine.tasks set ready_at = clock_timestamp(), moved_at = clock_timestamp()
    where id = p_step.task;
    return true;
  elsif p_done and p_failure.sqlstate = 'PD099' or p_step.guarded
        and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.drop_task(p_step.task);
    return false;
  elsif not p_done and df_engine.was_refused(p_step, p_failure) then
    perform df_engine.hand_over_step(p_step);
    return true;
  end if;
  perform df_engine.settle_failure(p_step,
    df_engine.explain_failure(p_failure, p_step.graph, p_step.sql));
  return true;
end
$$;

-- Record a failure and bring it up the graph.
create function df_engine.settle_failure(p_step df_engine.step, p_failure df_engine.failure)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_node df_engine.nodes;
begin
  perform df_engine.record_failure(p_step, p_failure);
  update df_engine.tasks t set moved_at = clock_timestamp(),
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  select * into strict v_node from df_engine.nodes
  where graph = p_step.graph and node = p_step.node;
  perform df_engine.walk(df_engine.raise_up(df_engine.move_of(p_step), v_node, 'failed',
    df_engine.error_text(p_step.node, p_failure)));
end
$$;
