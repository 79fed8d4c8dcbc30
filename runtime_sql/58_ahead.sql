-- Going on with a run. A session that has done a plain statement and committed has the
-- statements behind it read ahead, up to the tenth in succession, and does them one by one,
-- each in a transaction of its own with little around it: the claim, the statement, what
-- there is to record, the commit. Nothing is looked for in the queue meanwhile. The nodes of
-- a graph never change, so one query reads those of nine transactions; what can change is
-- asked with each claim.
--
-- PL/pgSQL builds each of its expressions anew in each transaction, so there are few here.
-- And prepared statements that a step has left are removed behind the last one only. So the
-- next steps of the run can see them, unless it is the text of the step that says PREPARE:
-- that one is not done from here.

-- Return the steps that may follow one that has been done: the plain statements behind it, in
-- order, `p_max` at most; without `p_short`, those that are not known to be short. With the
-- state '>' come those that have a statement behind them, and no record yet. A statement that
-- is filled from the run's input alone, which never changes either, comes rendered if the input
-- is short.
create function df_engine.read_ahead(p_step df_engine.step, p_max integer, p_short boolean)
returns df_engine.step[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_task df_engine.tasks;
  v_run df_engine.instances;
begin
  select * into v_task from df_engine.tasks where id = p_step.task;
  select * into v_run from df_engine.instances where id = p_step.instance;
  return array(
    select df_engine.make_step(v_task, v_run, n,
      case when n.next_state = 'x' and n.rebinds = '{}' and not exists (
        select from df_engine.node_runs r
        where r.instance = v_run.id and r.node = n.node and r.item = v_task.item)
        then '>' else 'x' end::"char",
      case when n.refs is null then n.parts[1]
        when not n.refs @? '$[*] ? (!(@.n == "input") || exists(@.in))'
          and pg_column_size(v_run.input) < 1000
        then df_engine.render(n.parts, n.refs, v_run.id, v_run.input, n.scopes, v_task.item,
          true) end)
    from df_engine.nodes n
    where n.graph = p_step.graph and n.node > p_step.node and n.op = 'sql' and not n.guarded
      and (p_short or n.short_runs < 3) and n.parts[1] !~* '^\s*prepare\M'
    order by n.node limit p_max);
end
$$;

-- Claim a step that was read ahead, if its task stands there and its run is as it was; if
-- not, claim() sees to the task. Where the step has the state '>', what proceed() would do
-- after the statement is done here: the task moves on to `p_next`, and if the statement fails,
-- step_back() undoes that. One statement claims the step then and records the place of the
-- next, and by the sign of `turns` that the session goes on from there. (It must not wait for a
-- session that has claimed the task meanwhile: nobody has locked a row since it was written
-- that has no xmax, or that of the transaction which wrote it.)
create function df_engine.claim_ahead(p_task bigint, p_node integer, p_state "char",
  p_next integer, p_turn integer, p_graph integer, p_executor integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if p_state = 'x' then
    perform from df_engine.tasks t join df_engine.instances i on i.id = t.instance
    where t.id = p_task and t.node = p_node and t.state = 'x' and t.retries is null
      and t.ready_at is not null and i.graph = p_graph and i.executor = p_executor
      and i.status = 'active' and i.paused_at is null and i.deadline is null
    for update of t skip locked;
  else
    update df_engine.tasks t set node = p_next, moved_at = clock_timestamp(),
      turns = case when p_turn < 10 then -p_turn else 0 end,
      ready_at = case when p_turn < 10 then t.ready_at else clock_timestamp() end
    from df_engine.instances i
    where t.id = p_task and t.node = p_node and t.state = 'x' and t.retries is null
      and t.ready_at is not null and abs(t.turns) = p_turn - 1
      and (t.xmax = 0 or t.xmax = t.xmin)
      and i.id = t.instance and i.graph = p_graph and i.executor = p_executor
      and i.status = 'active' and i.paused_at is null and i.deadline is null;
  end if;
  return found;
end
$$;

-- Set the task of a step that was claimed ahead, and has failed, back to where it is.
create function df_engine.step_back(p_task bigint, p_node integer, p_turn integer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  update df_engine.tasks set node = p_node, turns = p_turn - 1 where id = p_task;
  return true;
end
$$;

-- Record the success of a step that was claimed ahead, the first time that its node ran.
create function df_engine.record_ahead(p_instance bigint, p_node integer, p_item integer,
  p_scope integer, p_started_at timestamptz, p_result text, p_row_count bigint, p_filled text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into df_engine.node_runs (instance, node, item, status, scope, row_count, started_at,
    finished_at, result, filled)
  values (p_instance, p_node, p_item, 'completed', p_scope, p_row_count, p_started_at,
    clock_timestamp(), p_result, p_filled);
  return true;
end
$$;

-- Do the steps that follow the last one of a session in its run, `p_max` at most, and up to the
-- tenth in succession. None begins after `p_until`. Without `p_short` it ends before a statement
-- that is known to be short, for which company is to be looked for; with `p_learn` what they
-- took is learnt, see 58_batch.sql. Counts the steps in `done`.
create procedure df_engine.go_on(p_step df_engine.step, p_max integer, p_until timestamptz,
  p_short boolean, p_learn boolean, inout done integer)
language plpgsql
as $$
declare
  v_step df_engine.step;
  v_next integer := p_step.next_node;
  v_ok boolean;
begin
  done := 0;
  foreach v_step in array df_engine.read_ahead(p_step,
    least(p_max, 10 operator(pg_catalog.-) p_step.turn), p_short)
  loop
    exit when v_step.node operator(pg_catalog.<>) v_next
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) p_until;
    v_step.turn := p_step.turn operator(pg_catalog.+) done operator(pg_catalog.+) 1;
    v_ok := df_engine.claim_ahead(v_step.task, v_step.node, v_step.state, v_step.next_node,
      v_step.turn, v_step.graph, v_step.executor);
    exit when not v_ok;
    v_step.claimed_at := pg_catalog.clock_timestamp();
    v_ok := df_engine.attempt(v_step);
    if p_learn then
      if v_step.short_runs operator(pg_catalog.<) 3
         or pg_catalog.clock_timestamp() operator(pg_catalog.-) v_step.claimed_at
           operator(pg_catalog.>) interval '20 milliseconds' then
        v_ok := df_engine.learn(v_step);
      end if;
    end if;
    commit;
    v_next := v_step.next_node;
    done := done operator(pg_catalog.+) 1;
  end loop;
end
$$;
