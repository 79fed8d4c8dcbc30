-- The df language, second part: nodes beyond pg_durable's.

-- The body while a condition holds (looked at before each round) and until another one
-- does (looked at after it). `every` is the pace from start to start; without it there
-- is none.
create function df.repeat(body text, while_condition text default null,
  until_condition text default null, every interval default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if every <= interval '0' then
    raise exception 'df.repeat: % is not a pace', every using errcode = 'PD001';
  end if;
  return df_graph.composite('repeat',
    array_remove(array[body, while_condition, until_condition], null),
    df_graph.pair('while', (while_condition is not null))
    || df_graph.pair('until', (until_condition is not null))
    || df_graph.pair('every', extract(epoch from every)));
end
$$;

-- End this round of the nearest loop.
create function df.continue() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '[{"df":"continue"}]' $$;

-- Run a query, make its result the run's, and end the run. The other branches of a
-- join around it run to their end first; a race around it is decided by it.
create function df.return(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"return","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- A durable timer; the query gives an interval.
create function df.sleep_for(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"sleep_for","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- A durable timer; the query gives a timestamptz.
create function df.sleep_until(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"sleep_until","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- Return a query as a JSON string; an unnamed df.sql() node is taken for its text.
create function df_graph.query_text(p_query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node jsonb;
begin
  if p_query is null then
    raise exception 'a query is missing: the argument is null' using errcode = 'PD001';
  end if;
  if left(p_query, 7) not in ('[{"df":', '[{"as":') then
    return to_json(p_query)::text;
  end if;
  v_node := p_query::jsonb;
  if jsonb_array_length(v_node) <> 1 or v_node -> 0 ->> 'df' <> 'sql' then
    raise exception 'a query is needed here, not a graph' using errcode = 'PD001';
  end if;
  return (v_node -> 0 -> 'q')::text;
end
$$;

-- The node again while it fails with one of `retry_on`, up to `max_attempts` times in
-- all, after backoff * factor ^ (failures - 1), at most `max_backoff`, jittered between
-- a half and the whole. `retry_on` holds SQLSTATEs, their classes, HTTP statuses, and
-- 'transport'; null is the list that df_engine.is_transient gives.
create function df.retry(node text, max_attempts integer,
  backoff interval default '1 second', factor numeric default 2,
  max_backoff interval default null, jitter boolean default true,
  retry_on text[] default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if max_attempts is null or max_attempts < 1 or backoff is null or backoff < interval '0'
     or factor is null or factor < 1 or max_backoff < interval '0' or jitter is null then
    raise exception
      'df.retry: needs an attempt or more, a backoff not below 0, a factor not below 1'
      using errcode = 'PD001';
  end if;
  return df_graph.composite('retry', array[node],
    df_graph.pair('max', max_attempts)
    || df_graph.pair('backoff', extract(epoch from backoff))
    || df_graph.pair('factor', factor)
    || df_graph.pair('cap', extract(epoch from max_backoff))
    || df_graph.pair('jitter', jitter)
    || df_graph.pair('on', retry_on));
end
$$;
