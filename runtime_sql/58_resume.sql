-- Tasks that do not execute a statement, and the loop over all tasks.

-- Go on with a task that was woken: a timer, a delivered signal, a node to enter.
create function df_engine.resume(p_step df_engine.step) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_failure df_engine.failure;
begin
  perform df_engine.resume_walk(p_step);
  return true;
exception when others then
  get stacked diagnostics v_failure.message = message_text,
    v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
    v_failure.context = pg_exception_context;
  return df_engine.fail(p_step, v_failure, true);
end
$$;

-- Walk on from where a woken task stands. Lock order: the task is held, then the
-- instance where other branches or signals matter.
create function df_engine.resume_walk(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
  v_task df_engine.tasks;
begin
  if (p_step.guarded or p_step.state in ('s', 'g'))
     and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.raise_lost();
  end if;
  select * into strict v_task from df_engine.tasks where id = p_step.task;
  if p_step.state = 'g' then
    perform df_engine.deliver(p_step.instance);
    perform df_engine.drop_task(p_step.task);
    return;
  end if;
  update df_engine.tasks t set
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  v.how := case when p_step.state = 's' then 'd' else p_step.state end;
  v.node := p_step.node;
  v.result := case p_step.state when 'd' then coalesce(v_task.result, 'null')
    when 's' then df_engine.signal_timeout(p_step.instance, v_task.signal) end;
  perform df_engine.walk(v);
end
$$;

-- Do ready work until there is none, or until a bound is reached: `max_steps` leaves, or
-- `max_ms` milliseconds. A leaf is committed by itself, or with short ones of other runs
-- (58_batch.sql). On return: the leaves done, and the milliseconds until the next timer
-- (0: there is more to do now; null: none).
--
-- A task whose leaves are alone is done one after the other by the session that has it,
-- for ten steps, and then queues again behind the others. Not security definer and
-- without SET, because a procedure that commits can be neither; so every name is
-- qualified, and what needs an operator is computed by functions that pin their
-- search_path.
create procedure df.work(max_steps integer, max_ms integer, inout steps integer default 0,
  inout wait_ms integer default null)
language plpgsql
as $$
declare
  v_step df_engine.step;
  v_added record;
  v_ok boolean;
  v_batch_ms integer := df_engine.batch_ms();
  v_solo integer := 0;  -- so many steps alone, before company is looked for again
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  steps := 0;
  loop
    v_step := df_engine.claim(v_step.task, v_step.turn);
    exit when v_step.task is null;
    steps := steps operator(pg_catalog.+) 1;
    v_solo := v_solo operator(pg_catalog.-) 1;
    if v_step.state operator(pg_catalog.=) 'k' then
      v_ok := df_engine.attempt_suspect(v_step);
    elsif v_step.state operator(pg_catalog.<>) 'x' then
      v_ok := df_engine.resume(v_step);
    else
      v_ok := df_engine.attempt(v_step);
      if v_batch_ms operator(pg_catalog.>) 0 and v_solo operator(pg_catalog.<=) 0 then
        v_added := df_engine.add_steps(v_step, v_batch_ms,
          least(24, max_steps operator(pg_catalog.-) steps));
        if v_added.added operator(pg_catalog.>) 0 or v_added.go_on is not null then
          v_step.task := v_added.go_on;
          v_step.turn := 0;
        else
          v_solo := 10;
        end if;
        steps := steps operator(pg_catalog.+) v_added.added;
      end if;
    end if;
    commit;
    exit when steps operator(pg_catalog.>=) max_steps
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
  wait_ms := df_engine.next_wait();
end
$$;
