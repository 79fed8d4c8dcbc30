-- Transactions: several statements with one checkpoint.

-- Do all statements of a df.transaction, or undo them all. Like attempt(), which is its
-- model, it uses no operator and no unqualified name. The failure is recorded with the
-- statement that failed, and with none when what followed them did.
create function df_engine.attempt_transaction(p_step df_engine.step) returns boolean
language plpgsql
as $$
declare
  v_leaf df_engine.step := p_step;
  v_outcome df_engine.outcome;
  v_failure df_engine.failure;
  v_node integer;
  v_done boolean := false;
  v_ok boolean;
begin
  begin
    foreach v_node in array df_engine.statements_of(p_step) loop
      v_leaf := df_engine.statement_step(p_step, v_node);
      if v_leaf.error is not null then
        perform df_engine.raise_reference(v_leaf.error);
      end if;
      v_outcome := df_engine.dispatch(p_step.executor, v_leaf.sql, v_leaf.capture, v_leaf.rows,
        p_step.search_path, p_step.time_zone);
      v_ok := df_engine.reset_settings();
      v_ok := df_engine.record_success(v_leaf, v_outcome.result, v_outcome.row_count);
    end loop;
    v_leaf := p_step;
    v_done := true;
    v_ok := df_engine.tidy(false);
    return df_engine.succeed(p_step, v_outcome);
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics v_failure.message = message_text,
      v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
      v_failure.context = pg_exception_context;
  end;
  v_ok := df_engine.tidy(false);
  return df_engine.fail(v_leaf, v_failure, v_done);
end
$$;

-- Return the nodes of the statements of a transaction.
create function df_engine.statements_of(p_step df_engine.step) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select children from df_engine.nodes where graph = p_step.graph and node = p_step.node
$$;

-- Return the step of one statement of a transaction, rendered with what those before it
-- have bound.
create function df_engine.statement_step(p_step df_engine.step, p_node integer)
returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_step df_engine.step := p_step;
  v_node df_engine.nodes;
begin
  select * into strict v_node from df_engine.nodes where graph = p_step.graph and node = p_node;
  v_step.node := p_node;
  v_step.capture := v_node.keep;
  v_step.rows := v_node.rows;
  v_step.scope := case when v_node.name is not null then v_node.frame end;
  v_step.rebinds := v_node.rebinds;
  v_step.rendered := v_node.refs is not null;
  v_step.claimed_at := clock_timestamp();
  v_step.error := null;
  v_step.sql := v_node.parts[1];
  v_step.parts := v_node.parts;
  if v_step.rendered then
    v_step.sql := df_engine.render(v_node.parts, v_node.refs, p_step.instance,
      (select input from df_engine.instances where id = p_step.instance), v_node.scopes,
      p_step.item, true);
  end if;
  return v_step;
exception when others then
  v_step.error := sqlerrm;
  return v_step;
end
$$;
