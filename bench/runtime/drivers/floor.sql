-- The floor: what a durable queue costs in PL/pgSQL when it knows nothing else. A step is
-- claimed by row lock, its text is executed, its state is written, the queue goes on to
-- the next one, and all that commits.

create schema floor;

create table floor.queue (
  id bigint generated always as identity primary key,
  run integer not null,
  step integer not null,
  last integer not null,
  ready_at timestamptz,
  wake_at timestamptz,
  due float8
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);
create index on floor.queue (ready_at) where ready_at is not null;
create index on floor.queue (wake_at) where wake_at is not null;

create table floor.states (run integer, step integer, at timestamptz, result text,
  primary key (run, step));

-- No queue, no state: the statements, a commit after each.
create procedure floor.bare(p_run integer, p_steps integer) language plpgsql as $$
begin
  for v_step in 1 .. p_steps loop
    execute 'insert into bench.work values (' || p_run || ', ' || v_step || ')';
    commit;
  end loop;
end $$;

create procedure floor.drain(p_state boolean) language plpgsql as $$
declare
  v floor.queue;
begin
  loop
    select * into v from floor.queue where ready_at is not null
    order by ready_at limit 1 for update skip locked;
    exit when v.id is null;
    execute 'insert into bench.work values (' || v.run || ', ' || v.step || ')';
    if p_state then
      insert into floor.states values (v.run, v.step, clock_timestamp(), null);
    end if;
    if v.step < v.last then
      update floor.queue set step = v.step + 1 where id = v.id;
    else
      delete from floor.queue where id = v.id;
    end if;
    commit;
  end loop;
end $$;

-- Sleepers: what is due, one after the other. Returns the seconds until the next one.
create procedure floor.wake(inout p_wait float8) language plpgsql as $$
declare
  v floor.queue;
begin
  loop
    select * into v from floor.queue where wake_at <= clock_timestamp()
    order by wake_at limit 1 for update skip locked;
    exit when v.id is null;
    execute 'insert into bench.late (run, due) values (' || v.run || ', ' || v.due || ')';
    delete from floor.queue where id = v.id;
    commit;
  end loop;
  select extract(epoch from min(wake_at) - clock_timestamp()) into p_wait from floor.queue;
end $$;
