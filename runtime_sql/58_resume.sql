-- Tasks that do not execute a statement, and the loop over all tasks.

-- Go on with a task that was woken: a timer, a delivered signal, a node to enter. To deliver a
-- signal locks the run; that is done outside of the subtransaction, because what the signal wakes
-- may end the run in this transaction (58_batch.sql), and would make a multixact of the lock.
create function df_engine.resume(p_step df_engine.step, p_in_batch boolean default false)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_failure df_engine.failure;
  v_lives boolean := p_step.state <> 'g'
    or df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch);
begin
  perform df_engine.take_turn(p_step);
  begin
    if not v_lives then
      perform df_engine.raise_lost();
    end if;
    perform df_engine.resume_walk(p_step);
    return true;
  exception when others then
    get stacked diagnostics v_failure.message = message_text,
      v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
      v_failure.context = pg_exception_context;
  end;
  return df_engine.fail(p_step, v_failure, true, p_in_batch);
end
$$;

-- Walk on from where a woken task stands. Lock order: the task is held, then the
-- instance where other branches or signals matter.
create function df_engine.resume_walk(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
  v_task df_engine.tasks;
begin
  if p_step.state in ('-', 'q', 'o') then
    perform df_engine.control(p_step);
    return;
  end if;
  if (p_step.guarded or p_step.state = 's')
     and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.raise_lost();
  end if;
  select * into strict v_task from df_engine.tasks where id = p_step.task;
  if p_step.state = 'g' then
    perform df_engine.deliver(p_step.instance);
    perform df_engine.wake_calls(p_step.instance);
    perform df_engine.drop_task(p_step.task);
    return;
  end if;
  v.how := case when p_step.state = 's' then 'd' else p_step.state end;
  v.node := p_step.node;
  if p_step.state = 't' then
    perform df_engine.time_out(v);
    return;
  elsif p_step.state = 'c' then
    perform df_engine.end_call(v);
    return;
  end if;
  if p_step.state = 'a' then
    v.how := 'p';
    v.node := p_step.next_node;
    v.child := p_step.node;
    v.outcome := 'ok';
  end if;
  v.result := case p_step.state when 'a' then v_task.result when 'd'
      then coalesce(v_task.result, df_engine.timer_result(p_step.graph, p_step.node))
    when 's' then df_engine.signal_timeout(p_step.instance, v_task.signal) end;
  perform df_engine.walk(v);
  -- The run has done no step in this transaction: its next one may join it, see 58_batch.sql.
  update df_engine.tasks t set moved_at = v_task.moved_at
  where t.id = p_step.task and t.state = 'x' and p_step.state = 'd';
end
$$;

-- Return when a session is to look for work from the beginning of the queue again. In the
-- meantime it looks from where it last found some: what is before that is held by others,
-- or dead and, while an old snapshot keeps it from being removed, dear to walk over. So
-- that takes a fiftieth of the time at most, and a tenth of a second's delay at least.
create function df_engine.next_look(p_began timestamptz, p_claimed timestamptz)
returns timestamptz
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select p_claimed + greatest(interval '100 milliseconds', 50 * (p_claimed - p_began)) $$;

-- Return for how many milliseconds a batch may go on, of which the session knows how long
-- its last commit took (null: it has done none yet): where a commit takes long, a batch
-- that long costs nobody more than twice the time, and spares many.
create function df_engine.batch_length(p_batch_ms integer, p_done timestamptz,
  p_committed timestamptz) returns double precision
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select greatest(p_batch_ms,
    least(20, coalesce(extract(epoch from p_committed - p_done) * 1000, 0)))::double precision
$$;

-- Return whether a step begins a run that was started less than 4 ms ago.
create function df_engine.is_fresh(p_step df_engine.step) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_step.state = 'x' and p_step.turn = 1 and p_step.parent is null
    and p_step.ready_at > p_step.claimed_at - interval '4 milliseconds';
end
$$;

-- Do ready work until there is none, or until a bound is reached: `max_steps` leaves, or
-- `max_ms` milliseconds. A leaf is committed by itself, or with short ones of other runs
-- (58_batch.sql). On return: the leaves done, and the milliseconds until the next timer
-- (0: there is more to do now; null: none).
--
-- Runs that are started one after the other would each be begun in a transaction of its
-- own, which takes longer than to start the next one. A session that calls again anyway,
-- as the worker's say by the setting perdure.gather, ends its call when it keeps up with
-- them, and then waits for 4 ms.
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
  v_batch_ms integer;    -- read after a claim: an upgrade waits for the tasks first, too
  v_most integer := 24;  -- so many steps are added at most; fewer where time was short
  v_long interval := '20 milliseconds';  -- see learn()
  v_shares boolean;      -- the step may have company
  v_company integer;     -- so many steps were added
  v_ahead integer;       -- so many steps of the run were done behind it
  v_alone boolean;       -- no company is looked for now
  v_solo integer := 0;   -- nor before so many steps are done
  v_from timestamptz := '-infinity';  -- place in the queue from where to look
  v_busy bigint[] := '{}';  -- runs whose short branches another session is doing
  v_place timestamptz;   -- place from where company was last found
  v_leave timestamptz;   -- when to look for company elsewhere
  v_stay interval := '1 second';
  v_look timestamptz;    -- when to look from the beginning again
  v_gather boolean := coalesce(
    pg_catalog.current_setting('perdure.gather', true) operator(pg_catalog.=) 'on', false);
  v_fresh boolean;
  v_stream integer := 0; -- in succession, a few runs were found that had just been started
  v_began timestamptz;
  v_done timestamptz;    -- when the last transaction was about to commit
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  steps := 0;
  loop
    v_began := pg_catalog.clock_timestamp();
    if v_from operator(pg_catalog.=) '-infinity' and df_engine.take_due() then
      commit;  -- first of all, so that a queue which never ends holds no timer up
    end if;
    v_step := df_engine.claim(v_step.task, v_step.turn, v_from, v_busy);
    if v_step.task is null then
      exit when v_from operator(pg_catalog.=) '-infinity' or not df_engine.take_due();
      commit;
      v_from := '-infinity';
      continue;
    elsif v_step.state operator(pg_catalog.=) '~' then
      v_busy := pg_catalog.array_append(v_busy, v_step.instance);
      v_step := null;
      rollback;
      exit when pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
      continue;
    end if;
    v_batch_ms := coalesce(v_batch_ms, df_engine.batch_ms());
    v_fresh := v_gather and df_engine.is_fresh(v_step);
    if v_fresh and v_stream operator(pg_catalog.>=) 2 then
      rollback;
      wait_ms := 4;
      return;
    end if;
    if v_from operator(pg_catalog.=) '-infinity' then
      v_look := df_engine.next_look(v_began, v_step.claimed_at);
    end if;
    if v_step.claimed_at operator(pg_catalog.>) v_leave then
      v_place := null;
    end if;
    v_from := case when v_step.claimed_at operator(pg_catalog.<) v_look then v_step.ready_at
      else '-infinity' end;
    if v_from operator(pg_catalog.=) '-infinity' then
      v_busy := '{}';
    end if;
    steps := steps operator(pg_catalog.+) 1;
    v_shares := false;
    v_company := 0;
    if v_step.state operator(pg_catalog.=) 'x' then
      v_ok := df_engine.attempt(v_step);
      if v_batch_ms operator(pg_catalog.=) 0 or v_step.guarded then
        null;
      elsif v_step.short_runs operator(pg_catalog.<) 3
          or pg_catalog.clock_timestamp() operator(pg_catalog.-) v_step.claimed_at
            operator(pg_catalog.>) v_long then
        v_ok := df_engine.learn(v_step);
      else
        v_shares := true;
      end if;
    elsif v_step.state operator(pg_catalog.=) 'k' then
      v_ok := df_engine.attempt_suspect(v_step);
    else
      v_ok := df_engine.resume(v_step);
      v_shares := v_batch_ms operator(pg_catalog.>) 0 and not v_step.guarded
        and v_step.state operator(pg_catalog.=) any ('{a,d,g}'::"char"[]);
    end if;
    if v_shares and (steps operator(pg_catalog.>=) v_solo
       or v_step.state operator(pg_catalog.<>) 'x') then
      v_added := df_engine.add_steps(v_step, coalesce(v_place, v_step.ready_at),
        df_engine.batch_length(v_batch_ms, v_done, v_began),
        least(v_most, max_steps operator(pg_catalog.-) steps));
      if v_place is null then
        v_leave := v_began operator(pg_catalog.+) v_stay;
      end if;
      if v_added.go_on is not null then
        v_step.task := v_added.go_on;
        v_step.turn := 0;
        v_step.plain := false;
      elsif v_added.late then
        v_most := greatest(v_added.added, v_most operator(pg_catalog./) 2, 2);
      elsif v_added.added operator(pg_catalog.>) 0 then
        v_most := least(24, v_most operator(pg_catalog.+) 4);
        v_place := v_added.place;
      elsif v_place is not null then
        v_place := null;
      else
        v_solo := steps operator(pg_catalog.+) 10;
      end if;
      steps := steps operator(pg_catalog.+) v_added.added;
      v_company := v_added.added;
      v_fresh := v_fresh and v_added.go_on is null;
    end if;
    v_stream := case
      when v_fresh and v_shares and v_company operator(pg_catalog.<) 8
        then v_stream operator(pg_catalog.+) 1 operator(pg_catalog.+) least(v_company, 1)
      else 0 end;
    v_done := pg_catalog.clock_timestamp();
    commit;
    v_ok := df_engine.deallocate();
    v_alone := v_batch_ms operator(pg_catalog.=) 0 or steps operator(pg_catalog.<) v_solo;
    if v_step.plain and v_step.next_state operator(pg_catalog.=) 'x' and v_step.parent is null
       and v_step.turn operator(pg_catalog.<) 10
       and (v_alone or v_step.short_runs operator(pg_catalog.<) 3) then
      call df_engine.go_on(v_step, max_steps operator(pg_catalog.-) steps, least(v_until, v_look),
        v_alone, v_batch_ms operator(pg_catalog.>) 0, v_ahead);
      steps := steps operator(pg_catalog.+) v_ahead;
      v_step.turn := v_step.turn operator(pg_catalog.+) v_ahead;
      v_stream := 0;
      v_done := null;
      v_ok := df_engine.deallocate();
    end if;
    exit when steps operator(pg_catalog.>=) max_steps
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
  wait_ms := df_engine.next_wait(v_busy);
end
$$;
