-- The df language, first part: the node functions of pg_durable's API.
--
-- A graph is text: a JSON array of its nodes in pre-order, each composite node naming
-- its number of children (`"n"`). Composing is concatenation, no depth is ever parsed,
-- and the position in the array is the node's number. `df` (or `as`) is always the
-- first key, which is how a graph is told from a statement: no statement starts so.
-- All node functions are immutable, so that a graph of constants is built once per
-- plan. (Nested JSON was the other way: it needs a stack per level of nesting.)

-- Return the elements of a graph without its brackets; a plain string becomes an SQL
-- node.
create function df_graph.elements(p_node text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_node is null then
    raise exception 'a node is missing: the argument is null' using errcode = 'PD001';
  end if;
  if left(p_node, 7) in ('[{"df":', '[{"as":') then
    return substr(p_node, 2, length(p_node) - 2);
  elsif left(p_node, 1) = '{' and strpos(p_node, '"node_type"') > 0 then
    raise exception 'a graph of another runtime, or one written by hand: %', left(p_node, 100)
      using errcode = 'PD001', hint = 'Build it by the functions of df; its form is private.';
  end if;
  return '{"df":"sql","q":' || to_json(p_node) || '}';
end
$$;

-- Return a composite node: `p_extra` is text of further keys, each led by a comma.
create function df_graph.composite(p_op text, p_children text[], p_extra text default '')
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select format('[{"df":"%s","n":%s%s},%s]', p_op, cardinality(p_children), p_extra,
    string_agg(df_graph.elements(child), ',' order by i))
  from unnest(p_children) with ordinality c (child, i)
$$;

-- Return `,"key":value`, or nothing for null.
create function df_graph.pair(p_key text, p_value anyelement) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select coalesce(',' || to_json(p_key) || ':' || to_json(p_value), '') $$;

-- One statement, committed together with its checkpoint.
create function df.sql(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if query is null then
    raise exception 'df.sql: the query is null' using errcode = 'PD001';
  end if;
  return '[{"df":"sql","q":' || to_json(query) || '}]';
end
$$;

-- One node after the other; the result is the last one's.
create function df.seq(a text, b text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df_graph.composite('seq', array[a, b]) $$;

-- `df.seq` of any number of nodes.
create function df.seq(variadic nodes text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(nodes), 0) = 0 then
    raise exception 'df.seq: no nodes' using errcode = 'PD001';
  end if;
  return df_graph.composite('seq', nodes);
end
$$;

-- Bind the result of a node to a name, read as `$name` afterwards; naming a node again
-- replaces its name.
create function df."as"(fut text, name text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rest text := df_graph.elements(fut);
begin
  if name is null or name !~ '^[A-Za-z_][A-Za-z0-9_]*$' or name = 'input' then
    raise exception 'df.as: % is not a name for a result', coalesce(quote_literal(name), 'null')
      using errcode = 'PD001', detail =
      'A name is letters, digits and underscores, does not start with a digit, and is not "input".';
  end if;
  if left(v_rest, 6) = '{"as":' then
    v_rest := '{' || substr(v_rest, strpos(v_rest, ',') + 1);
  end if;
  return '[{"as":"' || name || '",' || substr(v_rest, 2) || ']';
end
$$;

-- Two branches, side by side; the result is the array of theirs.
create function df.join(a text, b text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df_graph.composite('join', array[a, b]) $$;

-- `df.join` of any number of branches.
create function df.join(variadic branches text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(branches), 0) = 0 then
    raise exception 'df.join: no branches' using errcode = 'PD001';
  end if;
  return df_graph.composite('join', branches);
end
$$;

-- `df.join` of three branches.
create function df.join3(a text, b text, c text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df_graph.composite('join', array[a, b, c]) $$;

-- Two branches, side by side; the first that ends, well or not, decides.
create function df.race(a text, b text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df_graph.composite('race', array[a, b]) $$;

-- `df.race` of any number of branches.
create function df.race(variadic branches text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(branches), 0) = 0 then
    raise exception 'df.race: no branches' using errcode = 'PD001';
  end if;
  return df_graph.composite('race', branches);
end
$$;

-- One of two nodes, by the truth of the first column of the first row of `condition`;
-- without `else_branch` there may be nothing to do.
create function df."if"(condition text, then_branch text, else_branch text default null)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('if', case when else_branch is null
    then array[condition, then_branch] else array[condition, then_branch, else_branch] end)
$$;

-- One of two nodes, by whether a bound result has rows.
create function df.if_rows(result_name text, then_branch text,
  else_branch text default null) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('if_rows',
    case when else_branch is null then array[then_branch]
      else array[then_branch, else_branch] end,
    df_graph.pair('of', result_name))
$$;

-- The body, again while the condition holds (for ever without one), not faster than
-- the engine's loop pace.
create function df.loop(body text, condition text default null,
  continue_on_failure boolean default false) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('loop',
    case when condition is null then array[body] else array[body, condition] end,
    case when continue_on_failure then ',"go_on":true' else '' end)
$$;

-- End the nearest loop; its result is the value: JSON if it is valid JSON, else a
-- string. Never substituted.
create function df.break(value text default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"break","v":' || df_graph.as_json(value) || '}]';
end
$$;

-- Return text as JSON text: itself when it is valid, a JSON string otherwise.
create function df_graph.as_json(p_text text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((p_text::json)::text, 'null');
exception when invalid_text_representation or untranslatable_character then
  return to_json(p_text)::text;
end
$$;

-- A durable timer of whole seconds.
create function df.sleep(seconds bigint) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if seconds is null or seconds < 0 then
    raise exception 'df.sleep: % is not a number of seconds', seconds using errcode = 'PD001';
  end if;
  return '[{"df":"sleep","s":' || seconds || '}]';
end
$$;

-- Wait for a signal; the result is {signal_name, timed_out, data}.
create function df.wait_for_signal(name text, timeout_seconds integer default null)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(name, '') = '' or timeout_seconds < 0 then
    raise exception 'df.wait_for_signal: a name, and a timeout that is not negative, are needed'
      using errcode = 'PD001';
  end if;
  return '[{"df":"signal","name":' || to_json(name)
    || df_graph.pair('s', timeout_seconds) || '}]';
end
$$;

-- Wait for the next time that fits a five-field cron expression, by the clocks of a time
-- zone of PostgreSQL. What happens when these are changed stands in 45_schedule.sql.
create function df.wait_for_schedule(cron_expr text, timezone text default 'UTC')
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_graph.cron_fields(cron_expr);
  perform timestamptz 'epoch' at time zone timezone;
  if timezone is null then
    raise exception 'df.wait_for_schedule: the time zone is null' using errcode = 'PD001';
  end if;
  return '[{"df":"schedule","cron":' || to_json(cron_expr)
    || df_graph.pair('tz', nullif(timezone, 'UTC')) || '}]';
exception when invalid_parameter_value then
  raise exception 'df.wait_for_schedule: there is no time zone %', quote_literal(timezone)
    using errcode = 'PD001', hint = 'The view pg_timezone_names lists them.';
end
$$;

-- An HTTP request, made by the worker process; references in url, body and header
-- values are replaced. The result is {status, body, encoding, headers, ok, duration_ms}.
create function df.http(url text, method text default 'POST', body text default null,
  headers jsonb default null, timeout_seconds integer default 30) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(url, '') = '' or method is null or timeout_seconds is null
     or timeout_seconds < 1 or jsonb_typeof(coalesce(headers, '{}')) <> 'object' then
    raise exception 'df.http: needs a url, a method, a timeout of a second or more, and an object of headers'
      using errcode = 'PD001';
  end if;
  return '[{"df":"http","url":' || to_json(url) || df_graph.pair('method', upper(method))
    || df_graph.pair('body', body) || df_graph.pair('headers', headers)
    || df_graph.pair('timeout', timeout_seconds) || '}]';
end
$$;

-- A request with a multipart/form-data body: file uploads and form fields. A part is an
-- object {name, data_b64, filename, content_type}; the last two may be missing. References
-- are replaced in url, header values, name and filename; `data_b64`, base64 with or without
-- line breaks, may be a reference as a whole, such as the body of an earlier response.
create function df.http_multipart(url text, method text default 'POST', parts jsonb default null,
  headers jsonb default null, timeout_seconds integer default 30) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(url, '') = '' or upper(method) in ('POST', 'PUT', 'PATCH') is not true
     or timeout_seconds is null or timeout_seconds < 1
     or jsonb_typeof(coalesce(headers, '{}')) <> 'object' then
    raise exception 'df.http_multipart: needs a url, POST, PUT or PATCH, a timeout of a second or more, and an object of headers'
      using errcode = 'PD001';
  elsif jsonb_typeof(parts) is distinct from 'array' or parts = '[]' then
    raise exception 'df.http_multipart: parts must be an array with at least one part'
      using errcode = 'PD001';
  end if;
  perform df_graph.check_part(part) from jsonb_array_elements(parts) part;
  return '[{"df":"http_multipart","url":' || to_json(url) || df_graph.pair('method', upper(method))
    || df_graph.pair('parts', parts) || df_graph.pair('headers', headers)
    || df_graph.pair('timeout', timeout_seconds) || '}]';
end
$$;

-- Raise unless a part has what it needs. A reference amid base64 could only spoil it.
create function df_graph.check_part(p_part jsonb) returns void
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_data text := p_part ->> 'data_b64';
begin
  if coalesce(p_part ->> 'name', '') = '' or v_data is null
     or p_part - '{name,data_b64,filename,content_type}'::text[] <> '{}'
     or exists (select from jsonb_each(p_part) where jsonb_typeof(value) not in ('string', 'null')) then
    raise exception 'df.http_multipart: not a part: %', left(p_part::text, 200) using errcode = 'PD001',
      hint = 'A part is {"name": ..., "data_b64": ..., "filename": ..., "content_type": ...}.';
  elsif v_data ~ '[${]'
     and btrim(v_data) !~ E'^(\\$[A-Za-z_]\\w*(\\.[A-Za-z_]\\w*)?\\??|\\{[A-Za-z_]\\w*\\})$' then
    raise exception 'df.http_multipart: data_b64 of part % mixes a reference with other text',
      to_json(p_part ->> 'name') using errcode = 'PD001';
  end if;
end
$$;
