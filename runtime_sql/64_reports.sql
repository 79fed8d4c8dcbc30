-- Reports: pg_durable's listing functions. They run as their caller and read the views,
-- so that everybody sees what is theirs.

-- Raise unless a page of runs has a size that makes sense; a short page must mean that
-- there are no more. A session may set another limit.
create function df_graph.check_page(p_count integer) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_most integer := coalesce(nullif(
    current_setting('pg_durable.list_instances_max_limit', true), ''), '1000')::integer;
begin
  if p_count is null or p_count < 1 then
    raise exception 'limit_count must be at least 1' using errcode = 'PD003';
  elsif p_count > v_most then
    raise exception 'limit_count (%) exceeds pg_durable.list_instances_max_limit (%)', p_count, v_most
      using errcode = 'PD003', hint = 'Page by after_cursor and next_cursor, or set that.';
  end if;
end
$$;

-- List runs, newest first.
create function df.list_instances(status_filter text default null, limit_count integer default 100)
returns table (instance_id text, label text, function_name text, status text,
  execution_count bigint, output text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_graph.check_page(limit_count);
  return query
  select i.id, i.label, 'df'::text, i.status, 1::bigint, coalesce(i.result, i.error)
  from df.instances i
  where status_filter is null or i.status = status_filter
  order by i.created_at desc, i.id limit limit_count;
end
$$;

-- Return the place of a run in the list as text that nobody has to understand.
create function df_graph.cursor_of(p_created timestamptz, p_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select encode(convert_to('v1|' || to_char(p_created at time zone 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00|' || p_id, 'UTF8'), 'hex')
$$;

-- Return what such a text stands for, or raise.
create function df_graph.read_cursor(p_cursor text, out created timestamptz, out id text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $$
declare
  v_parts text[];
begin
  if length(p_cursor) <= 512 then
    v_parts := regexp_match(convert_from(decode(p_cursor, 'hex'), 'UTF8'),
      '^v1\|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00)\|([0-9a-f]{8})$');
    created := v_parts[1]::timestamptz;
    id := v_parts[2];
  end if;
  if id is null then
    raise exception 'invalid after_cursor' using errcode = 'PD003';
  end if;
exception when data_exception then
  raise exception 'invalid after_cursor' using errcode = 'PD003';
end
$$;

-- List a page of runs, newest first. `next_cursor`, on each row, is what brings the next
-- page as `after_cursor`; null on the last one.
create function df.list_instances(status_filter text, limit_count integer, label_filter text,
  after_cursor text default null)
returns table (instance_id text, label text, function_name text, status text,
  execution_count bigint, output text, created_at timestamptz, completed_at timestamptz,
  next_cursor text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_after record;
begin
  perform df_graph.check_page(limit_count);
  select null::timestamptz as created, null::text as id into v_after;
  if after_cursor is not null then
    v_after := df_graph.read_cursor(after_cursor);
  end if;
  return query
  with page as (
    select i.id, i.label, i.status, i.result, i.error, i.created_at, i.completed_at,
      row_number() over (order by i.created_at desc, i.id) as n
    from df.instances i
    where (status_filter is null or i.status = status_filter)
      and (label_filter is null or i.label = label_filter)
      and (v_after.id is null or i.created_at < v_after.created
        or i.created_at = v_after.created and i.id > v_after.id)
    order by i.created_at desc, i.id limit limit_count + 1)
  select p.id, p.label, 'df'::text, p.status, 1::bigint, coalesce(p.result, p.error),
    p.created_at, p.completed_at, (select df_graph.cursor_of(l.created_at, l.id) from page l
      where l.n = limit_count and exists (select from page m where m.n > limit_count))
  from page p where p.n <= limit_count order by p.n;
end
$$;

-- Return one run.
create function df.instance_info(instance_id text)
returns table (instance_id text, label text, function_name text, function_version text,
  current_execution_id bigint, status text, output text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.label, 'df'::text, df.runtime_version(), 1::bigint, i.status,
    coalesce(i.result, i.error)
  from df.instances i where i.id = $1
$$;

-- Return the executions of a run: one, whatever loops it holds.
create function df.instance_executions(instance_id text, limit_count integer default 5)
returns table (execution_id bigint, status text, event_count bigint, duration_ms bigint,
  output text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if limit_count < 1 then
    raise exception 'limit_count must be at least 1' using errcode = 'PD003';
  end if;
  return query
  select 1::bigint, initcap(i.status), (select coalesce(sum(n.executions), 0)::bigint
      from df.nodes n where n.instance_id = i.id),
    coalesce((extract(epoch from i.ended_at - i.started_at) * 1000)::bigint, 0),
    coalesce(i.result, i.error)
  from df.instances i where i.id = instance_executions.instance_id;
end
$$;

-- Return the nodes of a run, and what their states mean for the run now:
--
-- * skipped: it has not run and will not, because a node around it has ended (that one is
--   `inferred_status_from_ancestor_id`): the other arm of an if, what came after a
--   failure, a loser of a race.
-- * pending for one that ran: in an earlier round of the loop that is running.
create function df.instance_nodes(instance_id_param text)
returns table (node_id text, node_type text, query text, result_name text, left_node text,
  right_node text, status text, result text, status_details text, inferred_status text,
  inferred_status_from_ancestor_id text, updated_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v record;
  v_p integer;
  v_ended integer[] := '{}';      -- by node: nearest ancestor that has ended
  v_loops integer[] := '{}';      -- by node: nearest loop around it in a later round
  v_round timestamptz[] := '{}';  -- by node: latest start of a round of a loop around it
begin
  for v in
    select * from df.nodes n where n.instance_id = instance_id_param order by n.id::integer
  loop
    v_p := v.parent_node::integer;
    inferred_status := v.status;
    inferred_status_from_ancestor_id := v_ended[v_p];
    if v.status not in ('completed', 'failed') and v_ended[v_p] is not null then
      inferred_status := 'skipped';
    elsif v.status <> 'pending' and v.finished_at < v_round[v_p] then
      inferred_status := case when v_ended[v_p] is null then 'pending' else 'skipped' end;
      inferred_status_from_ancestor_id := coalesce(v_ended[v_p], v_loops[v_p]);
    else
      inferred_status_from_ancestor_id := null;
    end if;
    v_ended[v.id::integer] := case when v.status in ('completed', 'failed', 'cancelled')
      and inferred_status = v.status then v.id::integer else v_ended[v_p] end;
    v_loops[v.id::integer] := v_loops[v_p];
    v_round[v.id::integer] := v_round[v_p];
    if v.status = 'running' and v.round_at is not null then
      v_loops[v.id::integer] := v.id::integer;
      v_round[v.id::integer] := greatest(v_round[v_p], v.round_at);
    end if;
    node_id := v.id; node_type := v.node_type; query := v.query; result_name := v.result_name;
    left_node := v.left_node; right_node := v.right_node; status := v.status;
    result := v.result::text; status_details := v.status_details::text;
    updated_at := v.updated_at;
    return next;
  end loop;
end
$$;

-- The former form, without what the states mean.
create function df.instance_nodes(instance_id_param text, _last_n_executions integer)
returns table (execution_id bigint, node_id text, node_type text, query text,
  result_name text, left_node text, right_node text, status text, result text,
  updated_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 1::bigint, n.id, n.node_type, n.query, n.result_name, n.left_node, n.right_node,
    n.status, n.result::text, n.updated_at
  from df.nodes n where n.instance_id = $1 order by n.id::integer
$$;

-- Count everybody's runs, and what they did. For those who administer (grant_usage with
-- with_grant): it runs as the owner, who alone sees all.
create function df.metrics()
returns table (total_instances bigint, running_instances bigint, completed_instances bigint,
  failed_instances bigint, total_executions bigint, total_events bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select count(*), count(*) filter (where status = 'active'),
    count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),
    count(*), (select coalesce(sum(executions), 0)::bigint from df_engine.node_runs)
  from df_engine.instances
$$;
