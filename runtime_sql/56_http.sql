-- HTTP. The engine renders requests and keeps them; the worker process leases, makes and
-- answers them. `attempt` counts leases, so that an answer that comes after its lease
-- was given to another worker changes nothing.

-- Return the text of a template, null for none.
create function df_engine.fill(p_template jsonb, p_run df_engine.instances,
  p_scopes integer[], p_item integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select df_engine.render(array(select jsonb_array_elements_text(p_template -> 'p')),
    p_template -> 'r', p_run.id, p_run.input, p_scopes, p_item, false)
  where jsonb_typeof(p_template) = 'object'
$$;

-- Return the parts of a multipart body, null for none.
create function df_engine.fill_parts(p_parts jsonb, p_run df_engine.instances,
  p_scopes integer[], p_item integer) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', df_engine.fill(part -> 'name', p_run, p_scopes, p_item),
    'filename', df_engine.fill(part -> 'filename', p_run, p_scopes, p_item),
    'data_b64', df_engine.fill(part -> 'data_b64', p_run, p_scopes, p_item),
    'content_type', part -> 'content_type')) order by i)
  from jsonb_array_elements(case when jsonb_typeof(p_parts) = 'array' then p_parts end)
    with ordinality a (part, i)
$$;

-- Return a template in which a token stands for each secret that it names. Tokens begin
-- with a random text, so that no value can contain one.
create function df_engine.with_tokens(p_template jsonb, p_nonce text) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_parts text[] := array[p_template -> 'p' ->> 0];
  v_refs jsonb := '[]';
  v_ref jsonb;
  v_at integer := 0;
begin
  if jsonb_typeof(p_template -> 'r') is distinct from 'array' then
    return p_template;
  end if;
  for v_ref in select r from jsonb_array_elements(p_template -> 'r') r loop
    v_at := v_at + 1;
    if df_engine.is_secret(v_ref) then
      v_parts[cardinality(v_parts)] := v_parts[cardinality(v_parts)]
        || df_engine.secret_token(p_nonce, v_ref ->> 'c') || (p_template -> 'p' ->> v_at);
    else
      v_parts := v_parts || (p_template -> 'p' ->> v_at);
      v_refs := v_refs || v_ref;
    end if;
  end loop;
  return jsonb_build_object('p', v_parts, 'r', v_refs);
end
$$;

-- Return whether a reference is to a secret, and not to a result that is called so.
create function df_engine.is_secret(p_ref jsonb) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_ref ->> 'n' = 'secrets' and p_ref ? 'c'
    and jsonb_typeof(p_ref -> 'b') is distinct from 'array'
$$;

-- Return the text that stands for a secret in one request.
create function df_engine.secret_token(p_nonce text, p_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select p_nonce || '.' || p_name || ';' $$;

-- Return the names of the secrets of a request by their tokens, null for none.
create function df_engine.secret_names(p_config jsonb, p_nonce text) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(df_engine.secret_token(p_nonce, r ->> 'c'), r ->> 'c')
  from (select p_config -> 'url' union all select p_config -> 'body'
      union all select h.value from jsonb_each(p_config -> 'headers') h) t (template),
    jsonb_array_elements(case jsonb_typeof(template -> 'r') when 'array' then template -> 'r' end) r
  where df_engine.is_secret(r)
$$;

-- Put the request of an http node where workers find it. A reference that cannot be
-- replaced fails the node, not the step before it.
create function df_engine.request(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_run df_engine.instances;
  v_failure df_engine.failure;
  v_config jsonb := p_node.config;
  v_nonce text := replace(gen_random_uuid()::text, '-', '');
begin
  select * into v_run from df_engine.instances where id = p.instance;
  perform df_engine.record_wait(p.instance, p_node.node, p.item, null, df_engine.is_retried(p.task));
  begin
    insert into df_engine.requests (task, instance, node, method, url, headers, body,
      parts, secrets, timeout_seconds, idempotency_key)
    values (p.task, p.instance, p_node.node, v_config ->> 'method',
      df_engine.fill(df_engine.with_tokens(v_config -> 'url', v_nonce), v_run, p_node.scopes,
        p.item),
      (select coalesce(jsonb_object_agg(key, df_engine.fill(df_engine.with_tokens(value, v_nonce),
          v_run, p_node.scopes, p.item)), '{}')
        from jsonb_each(v_config -> 'headers')),
      df_engine.fill(df_engine.with_tokens(v_config -> 'body', v_nonce), v_run, p_node.scopes,
        p.item),
      df_engine.fill_parts(v_config -> 'parts', v_run, p_node.scopes, p.item),
      df_engine.secret_names(v_config, v_nonce),
      (v_config ->> 'timeout')::integer,
      v_run.run_id || '-' || p_node.node || '-'
        || case when p.item > 0 then p.item || '-' else '' end || (select executions
        from df_engine.node_runs where instance = p.instance and node = p_node.node
          and item = p.item));
  exception when others then
    v_failure.message := sqlerrm;
    v_failure.sqlstate := sqlstate;
    perform df_engine.set_error(p.instance, p_node.node, p.item, v_failure);
    return df_engine.raise_up(p, p_node, 'failed',
      df_engine.error_text(p_node.node, v_failure));
  end;
  v := df_engine.park(p, 'h', p_node.node, null, true);
  perform pg_notify('df_work', 'http');
  return v;
end
$$;

-- Return a failure as the text that goes up the graph.
create function df_engine.error_text(p_node integer, p_failure df_engine.failure) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object('node', p_node, 'message', p_failure.message,
    'sqlstate', p_failure.sqlstate, 'detail', p_failure.detail, 'kind', p_failure.kind)::text
$$;

-- Record the failure of a node whose row is there already.
create function df_engine.set_error(p_instance bigint, p_node integer, p_item integer,
  p_failure df_engine.failure) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  update df_engine.node_runs set status = 'failed', finished_at = clock_timestamp(),
    wake_at = null, error = p_failure.message, sqlstate = p_failure.sqlstate,
    detail = p_failure.detail, context = p_failure.context
  where instance = p_instance and node = p_node and item = p_item
$$;

-- Lease up to `max_requests` requests to a worker, each for its timeout and 30 seconds.
create function df.claim_http(worker text, max_requests integer)
returns table (request_id bigint, run_id text, node_id text, attempt integer, method text,
  url text, headers jsonb, body text, timeout_seconds integer, idempotency_key text,
  parts jsonb, secrets jsonb)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with due as (
    select q.id from df_engine.requests q
    where q.method <> 'SQL'
      and (q.leased_until is null or q.leased_until < clock_timestamp())
      and not exists (select from df_engine.instances p
        where p.id = q.instance and p.paused_at is not null)
    order by q.id limit max_requests for update skip locked)
  update df_engine.requests r set attempt = r.attempt + 1, worker = claim_http.worker,
    leased_until = clock_timestamp() + make_interval(secs => r.timeout_seconds + 30)
  from due, df_engine.instances i
  where r.id = due.id and i.id = r.instance
  returning r.id, i.run_id, r.node::text, r.attempt, r.method, r.url, r.headers, r.body,
    r.timeout_seconds, r.idempotency_key, r.parts, r.secrets;
end
$$;

-- Take a request away for its answer and return where it came from; null when the lease
-- is not the caller's any more. Lock order: task, then request, then the instance.
create function df_engine.close_request(p_request bigint, p_attempt integer)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
  v_task df_engine.tasks;
begin
  select t.* into v_task from df_engine.tasks t
  where t.id = (select r.task from df_engine.requests r where r.id = p_request)
    and t.state = 'h' for update;
  delete from df_engine.requests where id = p_request and attempt = p_attempt;
  if not found or v_task.id is null
     or not df_engine.lock_run(v_task.instance, v_task.parent, v_task.epoch) then
    return null;
  end if;
  v.task := v_task.id;
  v.instance := v_task.instance;
  v.graph := (select graph from df_engine.instances where id = v_task.instance);
  v.frame := v_task.frame;
  v.item := v_task.item;
  v.parent := v_task.parent;
  v.epoch := v_task.epoch;
  v.node := v_task.node;
  v.rounds := 0;
  return v;
end
$$;

-- Answer a request with its response {status, body, encoding, headers, ok, duration_ms}.
-- A status of 500 and more fails the node. Returns whether the answer was wanted.
create function df.finish_http(request_id bigint, attempt integer, response jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(request_id, attempt);
  v_failure df_engine.failure;
begin
  if v.task is null then
    return false;
  end if;
  v_failure.kind := response ->> 'status';
  v_failure.sqlstate := 'PD020';
  v_failure.message := format('HTTP status %s', v_failure.kind);
  v_failure.detail := left(response ->> 'body', 2000);
  if (response ->> 'status')::integer >= 500
     or df_engine.will_retry(v, df_engine.error_text(v.node, v_failure)::json) then
    perform df_engine.fail_node(v, v_failure);
  else
    v.how := 'd';
    v.result := response::text;
    perform df_engine.walk(v);
  end if;
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Answer a request that had no response. `kind` is transport, refused, too_large, or
-- another word; only transport is retried by default.
create function df.fail_http(request_id bigint, attempt integer, message text, kind text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(request_id, attempt);
  v_failure df_engine.failure;
begin
  if v.task is null then
    return false;
  end if;
  v_failure.kind := kind;
  v_failure.message := message;
  v_failure.sqlstate := case kind when 'refused' then 'PD022' when 'too_large' then 'PD023'
    when 'secret' then 'PD026' else 'PD021' end;
  perform df_engine.fail_node(v, v_failure);
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Fail the node of a move and go on from there.
create function df_engine.fail_node(p df_engine.move, p_failure df_engine.failure)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_node df_engine.nodes;
begin
  perform df_engine.set_error(p.instance, p.node, p.item, p_failure);
  select * into strict v_node from df_engine.nodes where graph = p.graph and node = p.node;
  perform df_engine.walk(df_engine.raise_up(p, v_node, 'failed',
    df_engine.error_text(p.node, p_failure)));
end
$$;

-- Return whether a retry in this branch would answer to a failure of the move's node.
create function df_engine.will_retry(p df_engine.move, p_error json) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select exists (
    select from df_engine.nodes n, df_engine.tasks t
    where n.graph = p.graph and n.node < p.node and n.last_node >= p.node
      and n.op = 'retry' and n.frame = p.frame and t.id = p.task
      and coalesce((t.retries ->> n.node::text)::integer, 0) + 1 < (n.config ->> 'max')::integer
      and df_engine.is_retryable(n.config, p_error))
$$;
