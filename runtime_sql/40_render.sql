-- Rendering: references become values. A value reaches SQL text only as a literal.

-- Return a JSON value, given by its type and its text, as SQL: numbers and booleans bare
-- (a negative number in parentheses, so that `10-$n` stays a subtraction), everything
-- else quoted.
create function df_engine.sql_literal(p_type text, p_text text) returns text
language plpgsql immutable
as $$
begin
  return case p_type
    when 'number' then case when left(p_text, 1) = '-' then '(' || p_text || ')' else p_text end
    when 'boolean' then p_text
    when 'null' then 'NULL'
    else quote_literal(p_text) end;
end
$$;

-- Return a JSON value as plain text, for URLs, bodies and headers; null for JSON's.
create function df_engine.raw_text(p_value json) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when json_typeof(p_value) in ('object', 'array') then p_value::text
    else p_value #>> '{}' end
$$;

-- Return the rows of a result as a derived table, as pg_durable does: a list of VALUES
-- with an alias.
create function df_engine.row_set(p_name text, p_rows json) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  with columns as (
    select key, i from json_object_keys(p_rows -> 0) with ordinality k (key, i)),
  lines as (
    select '(' || string_agg(case json_typeof(r -> key)
        when 'string' then quote_literal(r ->> key) || '::text'
        when 'object' then quote_literal(r ->> key) || '::text'
        when 'array' then quote_literal(r ->> key) || '::text'
        else coalesce(df_engine.sql_literal(json_typeof(r -> key), r ->> key), 'NULL') end,
        ', ' order by c.i) || ')' as line, n
    from json_array_elements(p_rows) with ordinality a (r, n), columns c group by n)
  select case when json_array_length(p_rows) = 0
    then '(select null where false) as ' || quote_ident(p_name)
    else '(values ' || (select string_agg(line, ', ' order by n) from lines) || ') as '
      || quote_ident(p_name)
      || '(' || (select string_agg(quote_ident(key), ', ' order by i) from columns) || ')' end
$$;

-- Return the result that a name stands for: of its binders, the one bound in the
-- innermost frame that the reader sees. A name without a value is an error, or null
-- where the reference allows it.
create function df_engine.bound_result(p_instance bigint, p_ref jsonb, p_scopes integer[],
  p_item integer) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_result text;
  v_earlier boolean;
  v_nodes integer[] := array(select b::integer from jsonb_array_elements_text(p_ref -> 'b') b);
begin
  if p_item > 0 then
    return df_engine.bound_in_item(p_instance, p_ref, p_scopes, p_item);
  end if;
  select r.result, r.earlier is not null into v_result, v_earlier from df_engine.node_runs r
  where r.instance = p_instance and r.node = any (v_nodes) and r.item = 0
    and (r.scope = any (p_scopes) or r.earlier is not null)
  order by r.earlier is not null desc, r.scope desc limit 1;
  if v_earlier then
    select b.result into v_result
    from df_engine.bound_earlier(p_instance, v_nodes, p_scopes) b
    where b.scope is not null;
  end if;
  if not found and p_ref ? 'q' then
    return 'null';
  elsif not found then
    perform df_engine.raise_unbound(p_ref ->> 'n');
  end if;
  return v_result;
end
$$;

-- Raise for a name that has no value.
create function df_engine.raise_unbound(p_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '$% has no value yet', p_name using errcode = 'PD004',
    hint = 'The node that binds it has not run on the way here.';
end
$$;

-- Return a failure in the user's terms: of a statement that is no SQL because of a reference
-- to a name that nothing binds, which stays in the text; of a role whose executor is gone,
-- for instance by `drop owned by`.
create function df_engine.explain_failure(p_failure df_engine.failure, p_graph integer,
  p_sql text) returns df_engine.failure
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.failure := p_failure;
  v_at integer := 1;
  v_mode text := '';
  v_token record;
begin
  if v.sqlstate = '42883' and strpos(v.message, ' df_exec.run_') > 0 then
    v.message := 'the role of this run has no executor any more';
    v.sqlstate := 'PD005';
  elsif v.sqlstate = '42601' and strpos(v.message, '$') > 0 then
    while v_at <= length(p_sql) loop
      v_token := df_engine.token(substr(p_sql, v_at), v_mode = 'e');
      if v_token.kind = 'reference' then
        v.detail := format('%s. Bound are: %s.', v.message, (
          select string_agg(distinct name, ', ' order by name) from (
            select unnest(array[name, config ->> 'err', config ->> 'item']) as name
            from df_engine.nodes where graph = p_graph
            union all select 'input') n));
        v.message := format('no node binds %s', substring(v_token.token from '^[$][A-Za-z0-9_]+'));
        v.sqlstate := 'PD004';
        exit;
      end if;
      v_at := v_at + length(v_token.token);
      v_mode := df_engine.quote_mode(v_mode, false, v_token.kind, v_token.token);
    end loop;
  end if;
  return v;
end
$$;

-- Return the result that a name stands for inside of an item: bound there, in an item
-- that holds it, outside of them all, or one of these items itself. (Each row is looked up
-- by its whole key: of the rows of a node there is one for each of 10,000 items.)
create function df_engine.bound_in_item(p_instance bigint, p_ref jsonb, p_scopes integer[],
  p_item integer) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_result text;
  v_items integer[];
  v_binders integer[] := array(
    select b::integer from jsonb_array_elements_text(p_ref -> 'b') b);
begin
  select path into v_items from df_engine.items where instance = p_instance and item = p_item;
  select b.result into v_result
  from unnest(v_binders) n (node) cross join unnest(v_items) i (item)
  cross join lateral (
    (select r.result, r.scope, 1 as rank from df_engine.node_runs r
     where r.instance = p_instance and r.node = n.node and r.item = i.item
       and r.scope = any (p_scopes) offset 0)
    union all
    (select e ->> 1, (e ->> 0)::integer, 1
     from df_engine.node_runs r, jsonb_array_elements(r.earlier) e
     where r.instance = p_instance and r.node = n.node and r.item = i.item
       and r.earlier is not null and (e ->> 0)::integer = any (p_scopes) offset 0)
    union all
    (select '{"rows": [' || x.value || '], "row_count": 1}', x.node + 1, 2
     from df_engine.items x
     where x.instance = p_instance and x.item = i.item and x.node = -n.node offset 0)) b
  order by b.scope desc, b.rank limit 1;
  if not found and p_ref ? 'q' then
    return 'null';
  elsif not found then
    perform df_engine.raise_unbound(p_ref ->> 'n');
  end if;
  return v_result;
end
$$;

-- Return the value of `$name` in a result with rows, of `$name.column` in any.
create function df_engine.pick(p_ref jsonb, p_result json) returns json
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shown text := '$' || (p_ref ->> 'n') || coalesce('.' || (p_ref ->> 'c'), '');
  v_rows json := case when json_typeof(p_result) = 'object' then p_result -> 'rows' end;
  v_row json := p_result;
  v_value json;
begin
  if json_typeof(p_result) = 'null' and p_ref ? 'q' then  -- a name without a value, too
    return 'null';
  elsif json_typeof(v_rows) = 'array' then
    v_row := v_rows -> 0;
    if v_row is null and p_ref ? 'q' then
      return 'null';
    elsif v_row is null then
      raise exception '% has no rows', v_shown using errcode = 'PD004';
    end if;
    v_value := case when p_ref ? 'c' then v_row -> (p_ref ->> 'c')
      else (select value from json_each(v_row) limit 1) end;
  else
    v_value := case when json_typeof(v_row) = 'object' then v_row -> (p_ref ->> 'c') end;
  end if;
  if v_value is null then
    raise exception '% does not exist', v_shown using errcode = 'PD004', detail =
      format('Its columns are: %s', case when json_typeof(v_row) = 'object'
        then (select string_agg(k, ', ') from json_object_keys(v_row) k) end);
  elsif json_typeof(v_value) = 'null' and not p_ref ? 'q' then
    raise exception '% is NULL', v_shown using errcode = 'PD004',
      hint = format('%s? gives NULL.', v_shown);
  end if;
  return v_value;
end
$$;

-- Return text as it may stand inside a literal. Whoever turns standard_conforming_strings
-- off makes '...' something else than what the text was split as.
create function df_engine.inside_literal(p_kind text, p_text text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('standard_conforming_strings') = 'off' then
    raise exception 'a reference inside a literal needs standard_conforming_strings'
      using errcode = 'PD004';
  end if;
  return replace(case p_kind when 'escape' then replace(p_text, chr(92), repeat(chr(92), 2))
    else p_text end, '''', '''''');
end
$$;

-- Return the text that stands for a variable; one that the run does not have stays as it
-- is.
create function df_engine.variable(p_ref jsonb, p_instance bigint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select coalesce(case p_ref ->> 'v'
    when 'sys_instance_id' then i.run_id
    when 'sys_label' then coalesce(i.label, '')
    else i.vars ->> (p_ref ->> 'v') end, '{' || (p_ref ->> 'v') || '}')
  from df_engine.instances i where i.id = p_instance
$$;

-- Return the text of a reference to a node's result. `$name` of one without rows is the
-- whole JSON; in URLs and the like NULL is no text.
create function df_engine.name_text(p_ref jsonb, p_instance bigint, p_scopes integer[],
  p_item integer, p_sql boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_value json := df_engine.bound_result(p_instance, p_ref, p_scopes, p_item);
begin
  if p_ref ? 'star' then
    if json_typeof(v_value -> 'rows') is distinct from 'array' then
      raise exception '$%.* is not a row set', p_ref ->> 'n' using errcode = 'PD004';
    end if;
    return case when p_sql then df_engine.row_set(p_ref ->> 'n', v_value -> 'rows')
      else (v_value -> 'rows')::text end;
  end if;
  if p_ref ? 'c' or json_typeof(v_value -> 'rows') = 'array' then
    v_value := df_engine.pick(p_ref, v_value);
  elsif json_typeof(v_value) <> 'null' or not p_ref ? 'q' then  -- the result as it is
    return case when p_sql then quote_literal(v_value::text) else v_value::text end;
  end if;
  return case when p_sql then df_engine.sql_literal(json_typeof(v_value), v_value #>> '{}')
    else df_engine.raw_text(v_value) end;
end
$$;

-- Return a value of the run's input as text: sql_literal() or raw_text(), spelt out here
-- because most references of compiled steps are this. It has no SET clause, so that it is
-- inlined into render(), which pins the path.
create function df_engine.input_text(p_value jsonb, p_sql boolean) returns text
language sql immutable
as $$
  select case
    when not p_sql then coalesce(p_value #>> '{}', '')
    when jsonb_typeof(p_value) = 'number' then
      case when left(p_value::text, 1) = '-' then '(' || p_value::text || ')'
        else p_value::text end
    when jsonb_typeof(p_value) = 'boolean' then p_value::text
    else coalesce(quote_literal(p_value #>> '{}'), 'NULL') end
$$;

-- Return the text of any reference, as it stands inside a literal; NULL is written so.
create function df_engine.plain_text(p_ref jsonb, p_instance bigint, p_input jsonb,
  p_scopes integer[], p_item integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(case
    when p_ref ? 'v' then df_engine.variable(p_ref, p_instance)
    when p_ref ->> 'n' <> 'input'
      then df_engine.name_text(p_ref, p_instance, p_scopes, p_item, false)
    when p_ref ? 'c' then p_input ->> (p_ref ->> 'c')
    else p_input::text end, 'NULL')
$$;

-- Return what of a rendered statement is kept when it has completed: the text between its
-- first part and its last, which are in the graph. What every step writes is short so. (A
-- body that is parsed here, not where it is inlined, needs no path.)
create function df_engine.filled(p_parts text[], p_sql text) returns text
language sql immutable
return substr(p_sql, length(p_parts[1]) + 1,
  length(p_sql) - length(p_parts[1]) - length(p_parts[cardinality(p_parts)]));

-- Return parts with the references between them replaced. In SQL a blank keeps a value
-- from growing together with what stands beside it.
create function df_engine.render(p_parts text[], p_refs jsonb, p_instance bigint,
  p_input jsonb, p_scopes integer[], p_item integer, p_sql boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := p_parts[1];
  v_ref jsonb;
  v_given jsonb;
  v_value text;
begin
  for i in 2 .. cardinality(p_parts) loop
    v_ref := p_refs -> (i - 2);
    if v_ref ? 'in' then
      v_text := v_text || df_engine.inside_literal(v_ref ->> 'in',
        df_engine.plain_text(v_ref, p_instance, p_input, p_scopes, p_item)) || p_parts[i];
      continue;
    elsif v_ref ->> 'n' = 'input' then
      v_given := case when v_ref ? 'c' then p_input -> (v_ref ->> 'c') else p_input end;
      v_value := df_engine.input_text(v_given, p_sql);
    elsif v_ref ? 'v' then
      v_text := v_text || df_engine.variable(v_ref, p_instance) || p_parts[i];
      continue;
    else
      v_value := coalesce(df_engine.name_text(v_ref, p_instance, p_scopes, p_item, p_sql), '');
    end if;
    v_text := v_text || case when p_sql and right(v_text, 1) ~ '[\w''"$]' then ' ' else '' end
      || v_value || case when p_sql and p_parts[i] ~ '^[\w''"$]' then ' ' else '' end
      || p_parts[i];
  end loop;
  return v_text;
end
$$;
