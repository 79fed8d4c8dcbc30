-- The df language, third part: failures, deadlines, items, transactions and called runs.

-- The body; when it fails, `catch` instead, which reads the error by its name: `$err.message`,
-- `$err.sqlstate`, `$err.detail`, `$err.kind` and `$err.node`. `finally` runs once after
-- either of them, whatever came of it; when it does not end well itself, that counts
-- instead. Nothing of it runs when the run is cancelled or its race is lost.
create function df.try(body text, catch text default null, error_name text default 'err',
  finally text default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if body is null or catch is null and finally is null then
    raise exception 'df.try: needs a body, and a catch or a finally' using errcode = 'PD001';
  end if;
  return df_graph.composite('try', array_remove(array[body, catch, finally], null),
    case when catch is null then '' else ',"catch":true,"err":'
      || df_graph.checked_name('df.try', error_name) end
    || df_graph.pair('finally', case when finally is not null then true end));
end
$$;

-- Return a name for a result as a JSON string, or raise.
create function df_graph.checked_name(p_function text, p_name text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_name is null or p_name !~ '^[A-Za-z_][A-Za-z0-9_]*$' or p_name = 'input' then
    raise exception '%: % is not a name for a result', p_function,
      coalesce(quote_literal(p_name), 'null') using errcode = 'PD001', detail =
      'A name is letters, digits and underscores, does not start with a digit, and is not "input".';
  end if;
  return to_json(p_name);
end
$$;

-- Fail again with an error that a df.try has bound: the same message, SQLSTATE, detail and
-- node.
create function df.raise(error_name text default 'err') returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '[{"df":"raise","of":' || df_graph.checked_name('df.raise', error_name) || '}]' $$;

-- The node, for at most so long; then it fails with PD031. What runs inside is ended like
-- the losers of a race, the statement in progress too, and nothing of it commits any more.
create function df.timeout(node text, after interval) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if after is null or after <= interval '0' then
    raise exception 'df.timeout: % is not a time to wait for', coalesce(after::text, 'null')
      using errcode = 'PD001';
  end if;
  return df_graph.composite('timeout', array[node],
    df_graph.pair('s', extract(epoch from after)) || df_graph.pair('after', after::text));
end
$$;

-- The body for each row of a query, at most `max_parallel` at once, begun in the order of
-- the rows. The rows are read once; body and collect read the item as `$item.column`.
-- `collect` is a query at the end of each item, whose first row becomes one of the
-- result's. A failing item begins no others: those that run end, then the node fails.
-- df.break() does the same and ends well, df.continue() ends the item.
create function df.foreach(items text, body text, item_name text default 'item',
  max_parallel integer default 1, collect text default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if max_parallel is null or max_parallel < 1 then
    raise exception 'df.foreach: max_parallel is % and must be 1 or more',
      coalesce(max_parallel::text, 'null') using errcode = 'PD001';
  elsif body is null then
    raise exception 'df.foreach: the body is null' using errcode = 'PD001';
  end if;
  return df_graph.composite('foreach', array_remove(array[body,
      case when collect is not null
        then '[{"df":"sql","q":' || df_graph.query_text(collect) || '}]' end], null),
    ',"q":' || df_graph.query_text(items)
    || ',"item":' || df_graph.checked_name('df.foreach', item_name)
    || df_graph.pair('parallel', max_parallel)
    || df_graph.pair('collect', case when collect is not null then true end));
end
$$;

-- Statements that commit together, with one checkpoint; each may have a name, and those
-- after it read that. The result is the last one's. A failure undoes them all, a retry
-- repeats them all.
create function df.transaction(variadic nodes text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(nodes), 0) = 0 then
    raise exception 'df.transaction: no nodes' using errcode = 'PD001';
  elsif exists (select from unnest(nodes) n
      where df_graph.elements(n) !~ E'^\\{("as":"\\w+",)?"df":"sql",') then
    raise exception 'df.transaction: holds SQL nodes only' using errcode = 'PD001';
  end if;
  return df_graph.composite('transaction', nodes);
end
$$;

-- Wait for a run, whose id is the query's first value: usually the query starts it. The
-- result is {run_id, result}; a failure of that run is the node's, its cancellation fails
-- the node with PD032. A run that the query has started is cancelled with the caller.
create function df.call(query text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '[{"df":"call","q":' || df_graph.query_text(query) || '}]' $$;
