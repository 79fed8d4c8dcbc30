-- For pg_durable: signals that are kept until their run waits for them.
--
-- The extension drops a signal that no wait has subscribed to. A sender calls
-- `perdure.signal`, which stores the message and then wakes the run; the waiting side
-- looks here first, and again at each wake-up. Lock order: one message, then nothing.

create table if not exists perdure.inbox (
  id bigint generated always as identity primary key,
  run_id text not null,
  name text not null,
  data jsonb not null,
  sent_at timestamptz not null default clock_timestamp(),
  taken_by uuid
);

create index if not exists inbox_waiting on perdure.inbox (run_id, name, id) where taken_by is null;
create unique index if not exists inbox_taken on perdure.inbox (taken_by) where taken_by is not null;

alter table perdure.inbox enable row level security;

-- A role sees, sends and takes the messages of the runs that it sees.
create policy own_runs on perdure.inbox
  using (exists (select from df.instances as i where i.id = run_id));

-- Send a signal to a run, now or before it waits.
create function perdure.signal(p_run_id text, p_name text, p_data jsonb default '{}')
returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into perdure.inbox (run_id, name, data) values (p_run_id, p_name, p_data);
  perform df.signal(p_run_id, p_name, '{}');
end
$$;

-- Return the message of a wait, known by its token, as the result of a wait: the one
-- that it has taken, else the oldest that nobody took, else null. Taking twice gives
-- the same message, because a step may be executed again after it committed.
create function perdure.take_signal(p_run_id text, p_name text, p_token uuid)
returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_data jsonb;
begin
  select m.data into v_data from perdure.inbox as m where m.taken_by = p_token;
  if not found then
    update perdure.inbox as m set taken_by = p_token
    where m.id = (
      select w.id from perdure.inbox as w
      where w.run_id = p_run_id and w.name = p_name and w.taken_by is null
      order by w.id
      limit 1
      for update skip locked
    )
    returning m.data into v_data;
  end if;
  if not found then
    return null;
  end if;
  return jsonb_build_object('signal_name', p_name, 'timed_out', false, 'data', v_data);
end
$$;
