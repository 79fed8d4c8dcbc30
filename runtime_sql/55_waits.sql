-- Time and signals.

-- Return the time that timers go by: the test clock's when one is set, the real one
-- otherwise. Runs as its owner because the setting is not for everybody's eyes.
create function df.now() returns timestamptz
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select clock from df_engine.settings), clock_timestamp());
end
$$;

-- Stop the clock of all timers at a time; null lets it run with the real one again.
create function df.set_time(at timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update df_engine.settings set clock = at;
  perform pg_notify('df_work', '');
end
$$;

-- Move the test clock, stopping it first if it is not.
create function df.advance_time(by interval) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df.set_time(df.now() + by);
  return df.now();
end
$$;

-- Wake the workers for a timer that is due before all others.
create function df_engine.announce_timer(p_wake timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if not exists (select from df_engine.tasks where wake_at < p_wake) then
    perform pg_notify('df_work', '');
  end if;
end
$$;

-- Return the milliseconds until it is worth looking again: 0 when work is ready; the time
-- until the next timer; null when there is none or when the test clock stands before it.
-- Ready work that another session holds may come free without a notification: at the end
-- of its batch, or with its session. So it is looked at again, the sooner the younger it is.
create function df_engine.next_wait(p_busy bigint[] default '{}') returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_sort = off
as $$
declare
  v_due timestamptz;
  v_held timestamptz;
  v_wait double precision;
begin
  perform 1 from df_engine.tasks t
  where t.ready_at is not null and t.instance <> all (p_busy)
  order by t.ready_at limit 1 for update skip locked;
  if found then
    return 0;
  end if;
  select t.ready_at into v_held from df_engine.tasks t
  where t.ready_at is not null order by t.ready_at desc limit 1;
  select t.wake_at into v_due from df_engine.tasks t
  where t.wake_at is not null order by t.wake_at limit 1;
  if v_due <= df.now() then
    perform 1 from df_engine.tasks t
    where t.wake_at <= df.now() order by t.wake_at limit 1 for update skip locked;
    if found then
      return 0;
    end if;
    v_held := greatest(v_held, v_due);
  elsif v_due is not null and (select clock from df_engine.settings) is null then
    v_wait := extract(epoch from v_due - clock_timestamp()) * 1000;
  end if;
  if v_held is not null then
    v_wait := least(v_wait, 1000,
      greatest(5, extract(epoch from clock_timestamp() - v_held) * 1000));
  end if;
  return case when v_wait is not null then ceil(least(v_wait, 2000000000))::integer end;
end
$$;

-- Take the oldest signal of a name out of the inbox and return it as the wait's result;
-- null when there is none.
create function df_engine.take_signal(p_instance bigint, p_name text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_data text;
begin
  delete from df_engine.signals where id = (
    select id from df_engine.signals where instance = p_instance and name = p_name
    order by id limit 1)
  returning data into v_data;
  if v_data is null then
    return null;
  end if;
  return '{"signal_name": ' || to_json(p_name) || ', "timed_out": false, "data": '
    || df_graph.as_json(v_data) || '}';
end
$$;

-- Wait at a signal node, or take the signal that is already there. The instance's lock
-- orders this against delivery, so that no signal falls between looking and waiting.
create function df_engine.await_signal(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_name text := p_node.config ->> 'name';
  v_wake timestamptz := df.now()
    + make_interval(secs => (p_node.config ->> 's')::double precision);
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  perform df_engine.record_wait(p.instance, p_node.node, p.item, v_wake, df_engine.is_retried(p.task));
  if exists (select from df_engine.signals where instance = p.instance and name = v_name) then
    perform df_engine.deliver(p.instance);  -- the oldest wait comes first
  end if;
  v.result := df_engine.take_signal(p.instance, v_name);
  if v.result is not null then
    v.how := 'd';
    return v;
  end if;
  return df_engine.park(p, 's', p_node.node, v_wake, true, v_name);
end
$$;

-- Return the result of a wait whose time is up. A signal that came in the meantime
-- still counts.
create function df_engine.signal_timeout(p_instance bigint, p_name text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(df_engine.take_signal(p_instance, p_name),
    '{"signal_name": ' || to_json(p_name) || ', "timed_out": true, "data": null}')
$$;

-- Deliver what is in a run's inbox to the waits for it. A wait that another session
-- holds is about to look into the inbox itself.
create function df_engine.deliver(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_wait df_engine.tasks;
begin
  for v_wait in
    select * from df_engine.tasks t
    where t.instance = p_instance and t.state = 's'
    order by t.moved_at, t.id for update skip locked
  loop
    v_wait.result := df_engine.take_signal(p_instance, v_wait.signal);
    if v_wait.result is not null then
      v_wait.state := 'd';  -- its `signal` stays, see give_back() in 50_claim.sql
      v_wait.wake_at := null;
      v_wait.ready_at := clock_timestamp();
      perform df_engine.replace_task(v_wait, false);
    end if;
  end loop;
end
$$;

-- Return when a computed wait ends. A time that is long over counts as now; one that never
-- comes is a mistake, as a run that waits for it would neither end nor fail.
create function df_engine.end_of_wait(p_time timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_time = 'infinity' then
    raise exception 'the time to wait for is infinity, which never comes'
      using errcode = '22008', hint = 'To wait without an end, wait for a signal.';
  end if;
  return case when p_time < '2000-01-01' then df.now() else p_time end;
end
$$;

-- Return when a computed sleep ends: now, when it is so far below zero that no time is.
create function df_engine.end_of_sleep(p_length interval) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_length < interval '-1000 years' then
    return df.now();
  elsif not isfinite(p_length) then
    raise exception 'the sleep has no end, its length is infinity'
      using errcode = '22008', hint = 'To wait without an end, wait for a signal.';
  end if;
  return df_engine.end_of_wait(df.now() + p_length);
end
$$;
