-- For pg_durable: runs that another run waits for, among them requests.
--
-- A request that fails ends its run, so one whose failure counts is sent by a run of its
-- own. What it sends is kept here until it has ended, and read there by the text of the
-- request, because the extension replaces `$name` and `{name}` in the text of a node, but
-- not in the values that it puts there.

create table if not exists perdure.requests (
  id uuid primary key default gen_random_uuid(),
  run_id text not null,
  url text not null,
  body text,
  headers text[] not null,
  parts text[] not null,
  sent_by text
);
alter table perdure.requests enable row level security;

drop policy if exists own_runs on perdure.requests;
create policy own_runs on perdure.requests
  using (exists (select from df.instances as i where i.id = run_id));

-- Start a run that sends a request, and return its id. `p_headers` and `p_parts` are
-- shaped as the node takes them, with references to `q.h1`, `q.p1` and so on where a
-- value belongs; the values come beside them.
create function perdure.start_request(p_run text, p_method text, p_url text, p_body text,
  p_headers jsonb, p_header_values text[], p_parts jsonb, p_part_values text[],
  p_timeout integer) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
  v_run text;
  v_query text;
  v_node text;
  v_url constant text := '$q.url#{sys_instance_id}';
begin
  if p_url is null then
    raise exception 'the URL of the request is null' using errcode = 'PD004';
  end if;
  insert into perdure.requests (run_id, url, body, headers, parts)
  values (p_run, p_url, p_body, p_header_values, p_part_values) returning id into v_id;
  v_query := format('select r.url, r.body%s%s from perdure.requests r where r.id = %L::uuid',
    (select string_agg(format(', r.headers[%s] as h%s', n, n), '')
      from generate_series(1, cardinality(p_header_values)) n),
    (select string_agg(format(', r.parts[%s] as p%s', n, n), '')
      from generate_series(1, cardinality(p_part_values)) n), v_id);
  if p_parts is null then
    v_node := df.http(v_url, p_method, case when p_body is not null then '$q.body' end,
      p_headers, p_timeout);
  else
    v_node := df.http_multipart(v_url, p_method, p_parts, p_headers, p_timeout);
  end if;
  v_run := df.start(df.seq(df.as(df.sql(v_query), 'q'), v_node), 'request of ' || p_run);
  update perdure.requests r set sent_by = v_run where r.id = v_id;
  return v_run;
end
$$;

-- Say whether a run goes on.
create function perdure.is_going_on(p_run text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from df.instances i
    where i.id = p_run and lower(i.status) in ('pending', 'running'))
$$;

-- Return the error of a run that has failed, without what the extension says around it.
create function perdure.error_of(p_run text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select regexp_replace(n.result #>> '{}',
      '^(SQL execution failed: )?(error returned from database: )?', '') from df.nodes n
    where n.instance_id = p_run and n.status = 'failed' and n.result is not null
    order by n.node_type in ('THEN', 'IF', 'LOOP', 'JOIN', 'RACE'), n.updated_at limit 1), '')
$$;

-- Return the status in the error of a request that was answered, null when it was not. Its
-- URL, which may have such a number, too, is no part of the answer.
create function perdure.status_in(p_error text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select (regexp_match(e.text, '\m(5\d\d)\M'))[1]
  from regexp_replace(p_error, '\mhttps?://\S*', '', 'gi') as e (text)
  where e.text ~* '^http|status|server error' and e.text !~* '^(http (connection|request) failed'
    '|http timeout|blocked)'
$$;

-- Return the SQLSTATE of what compiled code raises, by the node that did and its message.
create function perdure.state_of_node(p_type text, p_query text, p_error text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_type <> 'SQL' then
      case when perdure.status_in(p_error) is null then 'PD021' else 'PD020' end
    when p_query like '%perdure.time\_out(%' then 'PD031'
    when p_query like '%perdure.expect(%' and p_error like 'step "%, expected %' then 'PD010'
    when p_query like '%perdure.check\_signal(%' and p_error like 'signal "%": data%' then 'PD013'
    when p_query like '%perdure.check\_response(%' and p_error like 'step "%": %' then
      case when p_error ~ '^step ".*": HTTP status \d+, expected ' then 'PD024' else 'PD025' end
  end
$$;

-- Return the SQLSTATE of the failure of a run, as far as it is known: the extension keeps
-- the message alone, so it is that of a failure that the run handled and passed on, or one
-- of those that compiled code raises; else PD011.
create function perdure.sqlstate_of(p_run text, p_error text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (select f.sqlstate from perdure.failures f
      where f.run_id = p_run and f.message = p_error
        and f.sqlstate ~ '^[0-9A-Z]{5}$' and f.sqlstate <> '00000'
      order by f.failed_at desc limit 1),
    (select perdure.state_of_node(n.node_type, n.query, p_error) from df.nodes n
      where n.instance_id = p_run and n.node_type in ('SQL', 'HTTP', 'HTTP_MULTIPART')
        and n.status = 'failed'
      order by n.updated_at limit 1),
    'PD011')
$$;

-- Cancel the runs called under keys that begin so, because nobody waits for them any more.
-- What waits must not see that they have been cancelled: it is about to be given up.
create function perdure.cancel_called(p_keys text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run text;
begin
  for v_run in
    select s.run_id from perdure.starts s
    where s.role = current_user and s.workflow = 'call' and starts_with(s.key, p_keys)
      and perdure.is_going_on(s.run_id)
  loop
    insert into perdure.starts (workflow, key, run_id)
    values ('given up', v_run, v_run) on conflict do nothing;
    perform df.cancel(v_run, 'the run that called it does not wait for it any more');
  end loop;
  return true;
end
$$;

-- Say whether a run that was called is still to be waited for.
create function perdure.is_awaited(p_run text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select perdure.is_going_on(p_run) or exists (select from perdure.starts s
    where s.role = current_user and s.workflow = 'given up' and s.key = p_run)
$$;

-- Return the response of a request that has ended; fail as the node would have, with the
-- status as the kind of the failure. `p_on` and `p_again` are of the retry around: with
-- them a response below 500 fails, too, if it is worth another attempt.
create function perdure.response(p_run text, p_scope text, p_step text, p_request text,
  p_again boolean, p_on text[]) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_response jsonb;
  v_error text;
  v_status text;
begin
  delete from perdure.requests r where r.sent_by = p_request;
  if exists (select from df.instances i
     where i.id = p_request and lower(i.status) = 'completed') then
    v_response := df.result(p_request)::jsonb;
    v_status := v_response ->> 'status';
    if v_status is null then
      perform perdure.keep_failure(p_run, p_scope, p_step,
        'the response holds what the extension cannot keep, as a NUL is', 'PD021');
      return null;
    end if;
    if p_again and v_status ~ '^[45]' and perdure.is_retryable(p_on, 'PD020', v_status) then
      perform perdure.keep_failure(p_run, p_scope, p_step, 'HTTP status ' || v_status,
        'PD020', left(v_response ->> 'body', 2000), v_status);
      return null;
    end if;
    return v_response::text;
  end if;
  v_error := perdure.error_of(p_request);
  v_status := perdure.status_in(v_error);
  if v_status is not null then
    perform perdure.keep_failure(p_run, p_scope, p_step, 'HTTP status ' || v_status, 'PD020',
      left(regexp_replace(v_error, '^HTTP \S+ \S+ returned 5\d\d(: )?', ''), 2000), v_status);
  else
    perform perdure.keep_failure(p_run, p_scope, p_step,
      coalesce(nullif(v_error, ''), 'the request has failed'), 'PD021', '', 'transport');
  end if;
  return null;
end
$$;

-- Return the result of a run that has been called; fail if it did.
create function perdure.called(p_run text) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := (select lower(i.status) from df.instances i where i.id = p_run);
  v_error text;
begin
  if v_status = 'completed' then
    return jsonb_build_object('run_id', p_run, 'result', df.result(p_run)::jsonb);
  elsif v_status = 'failed' then
    v_error := perdure.error_of(p_run);
    raise exception using message = v_error, errcode = perdure.sqlstate_of(p_run, v_error),
      detail = 'the run ' || p_run;
  end if;
  raise exception using errcode = 'PD032', detail = 'the run ' || p_run,
    message = case when v_status is null then 'the called run was removed'
      else format('the called run %s was cancelled', p_run) end;
end
$$;

-- Fail: a step, or what is named, took longer than it may.
create function perdure.time_out(p_after text, p_what text default null) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using message = concat_ws(' ', p_what, 'timed out after', p_after),
    errcode = 'PD031';
end
$$;
