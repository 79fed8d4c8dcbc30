-- Commands: what users do to runs.
--
-- The functions of the API run as their caller and insert into the view df.commands. Its
-- first trigger, which also runs as the caller, writes down who that is; the second one
-- runs as the owner and does the work. A SECURITY DEFINER function alone would not know
-- its caller, and an argument that names the role could be forged.

create view df.commands as
select null::regrole as role, null::text as verb, null::text as run_id, null::text as text1,
  null::text as text2, null::text as key, null::jsonb as data, null::text as search_path,
  null::text as time_zone, null::text as result, null::text as concurrency_key,
  null::integer as concurrency_limit, null::interval as timeout, null::boolean as run_now,
  null::jsonb[] as inputs, null::text[] as keys, null::text[] as results
where false;

-- Raise where the triggers below do not fire and a command would be lost without a word:
-- in a session that applies logical replication, or was set so.
create function df_graph.refuse_replica() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the df API does nothing while session_replication_role is "replica"'
    using errcode = 'PD003', hint = 'A trigger that fires while changes are replicated cannot'
      ' call it. Let it write into a table, and start the runs from there.';
end
$$;

alter view df.commands alter column result set default
  case when current_setting('session_replication_role') = 'replica'
    then df_graph.refuse_replica() end;

-- Raise for a name that is too long for the index that finds it.
create function df_graph.check_length(p_what text, p_name text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if octet_length(p_name) > 2000 then
    raise exception '% is % bytes long and must be 2000 at most', p_what, octet_length(p_name)
      using errcode = 'PD003';
  end if;
end
$$;

-- Write down who gives the command. Runs as the caller.
create function df_engine.sign_command() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.role := to_regrole(quote_ident(current_user));
  return new;
end
$$;

-- Do the command. Runs as the owner. (What is called from here, and from the other entrances
-- that set it, has patterns in literals, which a session may read in its own way.)
create function df_engine.do_command() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set jit = off
as $$
begin
  case new.verb
    when 'start' then
      new.result := df_engine.start(new);
      if new.run_now then
        perform df_engine.run_here(new.role, new.result, true);
      end if;
    when 'start_many' then
      new.results := df_engine.start_many(new);
    when 'signal' then
      perform df_engine.signal(new.role, new.run_id, new.text1, new.text2);
      if new.run_now then
        perform df_engine.run_here(new.role, new.run_id, false);
      end if;
    when 'cancel' then
      perform df_engine.cancel(new.role, new.run_id, new.text1);
    when 'pause' then
      new.result := df_engine.pause(new.role, new.run_id, new.text1);
    when 'resume' then
      new.result := df_engine.unpause(new.role, new.run_id);
    when 'retry_failed' then
      new.result := df_engine.retry_failed(new.role, new.run_id);
    when 'fork' then
      new.result := df_engine.fork_run(new.role, new.run_id, new.text1, new.data);
    when 'move' then
      new.result := df_engine.move_run(new.role, new.run_id, new.text1, new.text2,
        new.search_path, new.data);
    when 'setvar' then
      insert into df_engine.vars (role, name, value) values (new.role, new.text1, new.text2)
      on conflict (role, name) do update set value = excluded.value;
    when 'unsetvar' then
      delete from df_engine.vars where role = new.role and (name = new.text1 or new.text1 is null);
    when 'getvar' then
      new.result := (select value from df_engine.vars where role = new.role and name = new.text1);
    when 'grant' then
      perform df_engine.grant_role(new.role, new.text1, (new.data ->> 'http')::boolean,
        (new.data ->> 'grant')::boolean);
    when 'revoke' then
      perform df_engine.revoke_role(new.role, new.text1);
    when 'explain' then
      new.result := df_engine.explain_graph(df_engine.prepare(new.text1));
  end case;
  return new;
end
$$;

create trigger a_sign instead of insert on df.commands
  for each row execute function df_engine.sign_command();
create trigger b_do instead of insert on df.commands
  for each row execute function df_engine.do_command();

-- Start a run: an instance and its first task, in the caller's transaction. With a key,
-- a run that the role has started with the same key is returned instead; a session that
-- starts one with the key of another session's uncommitted run waits for that.
create function df_engine.start(p df.commands) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_role df_engine.roles;
  v_graph df_engine.graphs;
  v_run text;
  v_instance bigint;
  v_id integer := df_engine.prepare(p.text1);
begin
  select * into v_role from df_engine.roles where role = p.role;
  if not found then
    v_role := df_engine.starter(p.role);  -- raises
  end if;
  select * into v_graph from df_engine.graphs where id = v_id;
  perform df_engine.check_start(v_graph, v_role, p.data);
  if p.concurrency_key is not null or p.concurrency_limit is not null or p.timeout is not null
     or p.key is not null then
    perform df_engine.check_limits(p);
  end if;
  loop
    v_run := lpad(to_hex((random() * 4294967295)::bigint), 8, '0');
    insert into df_engine.instances (run_id, graph, role, executor, search_path, time_zone,
      label, key, input, vars, database, concurrency_key, timeout, deadline)
    values (v_run, v_graph.id, p.role, v_role.id, p.search_path, p.time_zone,
      p.text2, p.key, p.data, (select jsonb_object_agg(name, value) from df_engine.vars
        where role = p.role), current_database(), p.concurrency_key, p.timeout,
      case when p.timeout is not null then df.now() + p.timeout end)
    on conflict do nothing returning id into v_instance;
    exit when v_instance is not null;
    select run_id into v_run from df_engine.instances where role = p.role and key = p.key;
    if found then
      return v_run;
    end if;
  end loop;
  if p.concurrency_key is null then
    insert into df_engine.tasks (instance, node, state, frame, ready_at)
    values (v_instance, v_graph.start_node, v_graph.start_state, 1, clock_timestamp());
  else
    perform df_engine.queue_run(v_instance, p.concurrency_limit, v_graph.start_node,
      v_graph.start_state);
  end if;
  if p.timeout is not null then
    perform df_engine.set_deadline(v_instance);
  end if;
  perform pg_notify('df_work', '');
  return v_run;
end
$$;

-- Return a role's right to start runs, or raise when it has none.
create function df_engine.starter(p_role regrole) returns df_engine.roles
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role df_engine.roles;
begin
  select * into v_role from df_engine.roles where role = p_role;
  if not found then
    raise exception 'role % may not start runs', p_role using errcode = 'PD005',
      hint = format('The owner of the runtime can allow it: select df.grant_usage(%L);', p_role);
  end if;
  return v_role;
end
$$;

-- Raise for a key, a concurrency limit or a timeout that makes no sense.
create function df_engine.check_limits(p df.commands) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_graph.check_length('key', p.key), df_graph.check_length('concurrency_key', p.concurrency_key);
  if p.concurrency_limit is not null and p.concurrency_key is null then
    raise exception 'concurrency_limit needs a concurrency_key' using errcode = 'PD003';
  elsif p.concurrency_limit < 1 then
    raise exception 'concurrency_limit is % and must be 1 or more', p.concurrency_limit
      using errcode = 'PD003';
  elsif p.concurrency_key = '' then
    raise exception 'concurrency_key is empty' using errcode = 'PD003';
  elsif p.timeout <= interval '0' then
    raise exception 'timeout is % and must be longer than nothing', p.timeout
      using errcode = 'PD003';
  end if;
end
$$;

-- Raise if a run of the graph could not go well from the start.
create function df_engine.check_start(p_graph df_engine.graphs, p_role df_engine.roles,
  p_input jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_input) is distinct from 'object' then
    raise exception 'the input of a run is a JSON object' using errcode = 'PD003';
  elsif not p_input ?& p_graph.inputs then
    raise exception 'the input lacks %', (select string_agg(quote_ident(i), ', ')
        from unnest(p_graph.inputs) i where not p_input ? i) using errcode = 'PD003';
  elsif p_graph.has_http and not p_role.http then
    raise exception 'role % may not make HTTP requests', p_role.role using errcode = 'PD005',
      hint = format('The owner of the runtime can allow it: select df.grant_usage(%L, include_http => true);',
        p_role.role);
  end if;
end
$$;

-- Return the instance of a run that the role may touch, or raise.
create function df_engine.own_run(p_role regrole, p_run text) returns df_engine.instances
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df_engine.instances;
begin
  select * into v_run from df_engine.instances i
  where i.run_id = p_run and pg_has_role(p_role, i.role, 'usage');
  if not found then
    raise exception 'there is no run %', coalesce(quote_literal(p_run), 'null')
      using errcode = 'PD002';
  end if;
  return v_run;
end
$$;

-- Refuse JSON that PostgreSQL can pass on and not look into: a NUL, half a character, a
-- number without end. The run that waits would fail by what its sender did.
create function df_engine.check_data(p_name text, p_data text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_graph.as_json(p_data)::jsonb;
exception when data_exception then
  raise exception 'signal %: its data cannot be kept: %', to_json(p_name), sqlerrm
    using errcode = 'PD013';
end
$$;

-- Send a signal: into the inbox, and a task that delivers it. Takes no lock of the run,
-- so that a step may signal any run, its own too.
create function df_engine.signal(p_role regrole, p_run text, p_name text, p_data text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  if coalesce(p_name, '') = '' then
    raise exception 'a signal needs a name' using errcode = 'PD003';
  end if;
  perform df_graph.check_length('the name of a signal', p_name);
  if v_run.status <> 'active' then
    return;
  elsif p_data ~ '\\u(0000|[dD][89a-fA-F])|[eE]\+?[0-9]{4}|[0-9]{255}' then
    perform df_engine.check_data(p_name, p_data);
  end if;
  insert into df_engine.signals (instance, name, data) values (v_run.id, p_name, coalesce(p_data, 'null'));
  insert into df_engine.tasks (instance, node, state, frame, ready_at)
  values (v_run.id, 0, 'g', 0, clock_timestamp());
  perform pg_notify('df_work', '');
end
$$;

-- Cancel a run. A step that is being executed may still commit; nothing comes after it.
-- Lock order: the instance, then tasks by SKIP LOCKED; the ones that are held are
-- removed when they are claimed next.
create function df_engine.cancel(p_role regrole, p_run text, p_reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  update df_engine.instances i set status = 'cancelled', error = p_reason,
    completed_at = clock_timestamp(),
    started_at = (select min(t.started_at) from df_engine.tasks t where t.instance = i.id)
  where i.id = v_run.id and i.status = 'active';
  if not found then
    return;
  end if;
  perform df_engine.remove_tasks(v_run.id);
  perform df_engine.interrupt(v_run.id, 0, 1000000, null);
  if (select watched from df_engine.instances where id = v_run.id) then
    perform df_engine.tell_callers(v_run.id);
  end if;
  perform df_engine.forget_run(v_run.id);
  perform df_engine.release_run(v_run);
end
$$;
