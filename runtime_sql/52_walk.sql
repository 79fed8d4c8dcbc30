-- The walk: from the end of one leaf to the next one, inside the step's transaction.

-- Proceed until the branch is parked: at a leaf that needs a transaction of its own, at
-- a wait, or at its end. Lock order: the caller holds the branch's task; the instance is
-- locked by what needs it.
create function df_engine.walk(p_move df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p_move;
  v_node df_engine.nodes;
  v_failed boolean := false;
begin
  while v.how <> '.' loop
    if v.outcome = 'failed' and v.how = 'p' then
      if not v_failed then
        perform df_engine.note_failure(v, p_move.outcome is distinct from 'failed');
      end if;
      v_failed := true;
    else
      v_failed := false;
    end if;
    if v.node = 0 then
      perform df_engine.finish(v);
      return;
    end if;
    select * into strict v_node from df_engine.nodes where graph = v.graph and node = v.node;
    if v.how = 'e' then
      v := df_engine.enter(v, v_node);
    elsif v.how = 'r' then
      v := df_engine.begin_round(v, v_node);
    elsif v.how = 'd' then
      perform df_engine.record_end(v.instance, v_node, v.item, v.result);
      v := df_engine.leave(v, v_node);
    elsif v.outcome = 'ok' then
      v := df_engine.child_done(v, v_node);
    else
      v := df_engine.child_broke(v, v_node);
    end if;
  end loop;
end
$$;

-- Return the move that follows the success of a node.
create function df_engine.leave(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  perform df_engine.leave_retries(p.task, p.graph, p_node.next_node);
  v.outcome := 'ok';
  v.child := p_node.node;
  v.node := p_node.next_node;
  v.how := case when p_node.next_state = 'p' then 'p' else 'e' end;
  return v;
end
$$;

-- Return the move that brings an outcome other than success up from a node.
create function df_engine.raise_up(p df_engine.move, p_node df_engine.nodes, p_outcome text,
  p_result text) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  v.outcome := p_outcome;
  v.result := p_result;
  v.child := p_node.node;
  v.node := p_node.parent;
  v.how := 'p';
  return v;
end
$$;

-- Return the move that enters a node.
create function df_engine.go_to(p df_engine.move, p_node integer) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  v.how := 'e';
  v.node := p_node;
  return v;
end
$$;

-- Enter a node: begin what it does.
create function df_engine.enter(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  case p_node.op
    when 'sql', 'return', 'sleep_for', 'sleep_until', 'foreach', 'transaction', 'call' then
      return df_engine.park(p, 'x', p_node.node, null);
    when 'seq', 'retry', 'if', 'try' then
      return df_engine.go_to(p, p_node.node + 1);
    when 'if_rows' then
      return df_engine.enter_if_rows(p, p_node);
    when 'loop', 'repeat' then
      return df_engine.begin_round(p, p_node);
    when 'join', 'race' then
      return df_engine.fork(p, p_node);
    when 'sleep' then
      return df_engine.sleep_to(p, p_node.node,
        df.now() + make_interval(secs => (p_node.config ->> 's')::double precision));
    when 'timeout' then
      return df_engine.begin_timeout(p, p_node);
    when 'raise' then
      return df_engine.raise_bound(p, p_node);
    when 'schedule' then
      return df_engine.await_schedule(p, p_node);
    when 'signal' then
      return df_engine.await_signal(p, p_node);
    when 'http', 'http_multipart' then
      return df_engine.request(p, p_node);
    when 'handed_over' then
      return df_engine.hand_over(p, p_node);
    when 'break' then
      perform df_engine.record_end(p.instance, p_node, p.item, null);
      return df_engine.raise_up(p, p_node, 'break', (p_node.config -> 'v')::text);
    when 'continue' then
      perform df_engine.record_end(p.instance, p_node, p.item, null);
      return df_engine.raise_up(p, p_node, 'continue', 'null');
  end case;
end
$$;

-- Leave the branch where it is until a session claims it: now, at `p_wake`, or, if it
-- waits, when somebody else makes it ready.
create function df_engine.park(p df_engine.move, p_state "char", p_node integer,
  p_wake timestamptz, p_waits boolean default false, p_signal text default null)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
begin
  select * into strict v_task from df_engine.tasks where id = p.task;
  v_task.node := p_node;
  v_task.state := p_state;
  v_task.signal := p_signal;
  v_task.result := null;
  v_task.wake_at := p_wake;
  v_task.ready_at := case when p_wake is null and not p_waits
    then coalesce(v_task.ready_at, clock_timestamp()) end;
  v_task.started_at := coalesce(v_task.started_at, clock_timestamp());
  perform df_engine.replace_task(v_task);
  if p_wake is not null then
    perform df_engine.announce_timer(p_wake);
  end if;
  v.how := '.';
  return v;
end
$$;

-- Put a row in the place of a task, see df_engine.tasks; `p_moves` when that follows from
-- a step that was done in this transaction.
create function df_engine.replace_task(p_task df_engine.tasks,
  p_moves boolean default true) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_task df_engine.tasks := p_task;
begin
  if p_moves then
    v_task.moved_at := clock_timestamp();
  end if;
  delete from df_engine.tasks where id = p_task.id;
  insert into df_engine.tasks select v_task.*;
end
$$;

-- Begin a timer at a node.
create function df_engine.sleep_to(p df_engine.move, p_node integer, p_wake timestamptz)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_engine.record_wait(p.instance, p_node, p.item, p_wake, df_engine.is_retried(p.task));
  return df_engine.park(p, 'd', p_node, p_wake);
end
$$;

-- Begin to wait for the next time of a schedule. One that never comes fails the node, not
-- the step before it.
create function df_engine.await_schedule(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wake timestamptz;
  v_failure df_engine.failure;
begin
  begin
    v_wake := df_engine.next_time(p_node.config ->> 'cron', df.now(),
      coalesce(p_node.config ->> 'tz', 'UTC'));
  exception when others then
    v_failure.message := sqlerrm;
    v_failure.sqlstate := sqlstate;
    return df_engine.fail_on_entry(p, p_node, v_failure);
  end;
  return df_engine.sleep_to(p, p_node.node, v_wake);
end
$$;

-- Fail a node that could not begin.
create function df_engine.fail_on_entry(p df_engine.move, p_node df_engine.nodes,
  p_failure df_engine.failure) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_engine.record_wait(p.instance, p_node.node, p.item, null,
    df_engine.is_retried(p.task));
  perform df_engine.set_error(p.instance, p_node.node, p.item, p_failure);
  return df_engine.raise_up(p, p_node, 'failed',
    df_engine.error_text(p_node.node, p_failure));
end
$$;

-- Return whether the branch is inside a retry that has seen a failure.
create function df_engine.is_retried(p_task bigint) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$ select retries is not null from df_engine.tasks where id = p_task $$;

-- Go on by whether a bound result has rows.
create function df_engine.enter_if_rows(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
  v_result json;
  v_failure df_engine.failure;
begin
  begin
    v_result := df_engine.bound_result(p.instance,
      jsonb_build_object('n', p_node.config ->> 'of', 'b', p_node.config -> 'b'), p_node.scopes,
      p.item);
    if json_typeof(v_result -> 'row_count') is distinct from 'number' then
      raise exception 'df.if_rows: $% is not the result of a statement', p_node.config ->> 'of'
        using errcode = 'PD004';
    end if;
  exception when sqlstate 'PD004' then
    v_failure.message := sqlerrm;
    v_failure.sqlstate := sqlstate;
    return df_engine.fail_on_entry(p, p_node, v_failure);
  end;
  if (v_result ->> 'row_count')::bigint > 0 then
    return df_engine.go_to(p, p_node.children[1]);
  elsif cardinality(p_node.children) > 1 then
    return df_engine.go_to(p, p_node.children[2]);
  end if;
  v.how := 'd';
  v.result := 'null';
  return v;
end
$$;

-- Return whether a result counts as true: the first column of the first row, by
-- pg_durable's rules.
create function df_engine.is_true(p_result text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_value json := p_result::json;
  v_text text;
begin
  if json_typeof(v_value) = 'object' and json_typeof(v_value -> 'rows') = 'array' then
    select value into v_value from json_each(v_value -> 'rows' -> 0) limit 1;
  end if;
  v_text := lower(btrim(v_value #>> '{}', E' \t\r\n'));
  return case json_typeof(v_value)
    when 'boolean' then v_text = 'true'
    when 'number' then v_text::numeric <> 0
    when 'string' then case
      when v_text in ('', 'false', 'f', 'no') then false
      when v_text ~ '^[+-]?(0+\.?0*|\.0+)(e[+-]?\d+)?$' then false
      when v_text ~ '^[+-]?(\d+\.?\d*|\.\d+)e-\d{1,3}$'  -- too small for a double
        then abs(v_text::numeric) > 2.47e-324
      else true end
    when 'array' then json_array_length(v_value) > 0
    when 'object' then v_value::jsonb <> '{}'
    else false end;
end
$$;

-- A child of a node ended well: go on inside the node, or leave it.
create function df_engine.child_done(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  if p_node.op in ('join', 'race', 'timeout') then
    return df_engine.end_branch(p, p_node);
  elsif p_node.op in ('loop', 'repeat') then
    return df_engine.loop_child_done(p, p_node);
  elsif p_node.op = 'try' then
    return df_engine.try_child_ended(p, p_node);
  elsif p_node.op = 'foreach' then
    return df_engine.item_child_done(p, p_node);
  elsif p_node.op = 'if' and p.child < p_node.children[2] then
    if df_engine.is_true(p.result) then
      return df_engine.go_to(p, p_node.children[2]);
    elsif cardinality(p_node.children) > 2 then
      return df_engine.go_to(p, p_node.children[3]);
    end if;
    v.result := 'null';
  end if;
  v.how := 'd';
  return v;
end
$$;

-- A child of a node ended with a failure, a break, a continue or a return: whoever
-- answers to that does, everybody else hands it up.
create function df_engine.child_broke(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  if p_node.op in ('join', 'race', 'timeout') then
    return df_engine.end_branch(p, p_node);
  elsif p_node.op = 'try' then
    return df_engine.try_child_ended(p, p_node);
  elsif p_node.op = 'foreach' then
    return df_engine.end_item(p, p_node);
  elsif p_node.op = 'retry' then
    return df_engine.after_failure(p, p_node);
  elsif p_node.op in ('loop', 'repeat') and p.outcome = 'break' then
    v.how := 'd';
    v.outcome := 'ok';
    return v;
  elsif p_node.op in ('loop', 'repeat') and p.outcome = 'continue'
        and p.child >= p_node.children[2] then  -- in a condition
    return df_engine.next_round(p, p_node);
  elsif p_node.op in ('loop', 'repeat') and (p.outcome = 'continue'
        or p.outcome = 'failed' and p_node.config ? 'go_on'
        and p.child < coalesce(p_node.children[2], p_node.last_node + 1)) then
    v.child := p_node.children[1];
    v.outcome := 'ok';
    v.result := 'null';
    return df_engine.loop_child_done(v, p_node);
  end if;
  if p_node.op = 'transaction' then
    perform df_engine.close_structure(p.instance, p_node.node, p.item, p.outcome);
  end if;
  return df_engine.raise_up(p, p_node, p.outcome, p.result);
end
$$;
