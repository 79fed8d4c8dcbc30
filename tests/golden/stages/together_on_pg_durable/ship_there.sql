-- written by perdure: ship_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/ship_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: d2e2e454d91bdfbb153426d86568ab352dcac058a4ad922475e5c69c80212082

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.ship_there_v1(order_id bigint, note text default 'by parcel')
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
declare
  v_order_id constant text := perdure.literal(order_id::text);
  v_note constant text := perdure.literal(note::text);
begin
  if order_id is null or note is null then
    raise null_value_not_allowed using
      message = 'an input of ship_there that may not be null is: order_id, note';
  end if;
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          -- steps[0] hurry
          df.seq(
            df.as(
              df.sql($sql$
                select gen_random_uuid() as token, clock_timestamp() + interval '5 seconds' as settled, clock_timestamp() + interval '86400 seconds' as deadline
              $sql$),
              'w1_wait'
            ),
            df.loop(
              df.if(
                $sql$
                  select perdure.take_signal('{sys_instance_id}', 'hurry', ($w1_wait.token)::uuid) is not null or ($w1_wait.deadline)::timestamptz - clock_timestamp() <= interval '0' as ok
                $sql$,
                df.break(),
                df.if(
                  $sql$
                    select clock_timestamp() > ($w1_wait.settled)::timestamptz and ($w1_wait.deadline)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                  $sql$,
                  df.wait_for_signal('hurry', 60),
                  df.wait_for_signal('hurry', 1)
                )
              )
            )
          ),
          -- steps[0] hurry
          df.as(
            df.sql($sql$
              select coalesce(perdure.take_signal('{sys_instance_id}', 'hurry', ($w1_wait.token)::uuid), jsonb_build_object('signal_name', 'hurry', 'timed_out', true, 'data', null))::text as signal
            $sql$),
            'r1_hurry'
          )
        ),
        -- steps[0] hurry, payload
        df.sql($sql$
          select perdure.check_signal(($r1_hurry)::jsonb, '{"by": "date"}') as ok
        $sql$)
      ),
      df.seq(
        -- steps[1]
        df.sql($sql$
          insert into shop.audit (what) values ('shipped ' || ($sql$ || v_order_id || $sql$)::bigint || ' ' || ($sql$ || v_note || $sql$)::text)
        $sql$),
        -- steps[2]
        df.sql($sql$
          select jsonb_build_object('late', (($r1_hurry)::jsonb ->> 'timed_out')::boolean) as result
        $sql$)
      )
    ),
    'ship_there@1'
  );
end
$workflow$;

comment on function workflows.ship_there_v1(bigint, text) is 'ship_there, version 1';

create function workflows.ship_there(order_id bigint, note text default 'by parcel')
returns text
language sql
volatile
as $current$
  select workflows.ship_there_v1(order_id, note)
$current$;

comment on function workflows.ship_there(bigint, text) is 'Starts a run of ship_there, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'ship_there',
  1,
  'd2e2e454d91bdfbb153426d86568ab352dcac058a4ad922475e5c69c80212082',
  'order_id bigint, note text default ''by parcel''',
  $source$workflow: ship_there
input: {order_id: bigint, note: text = 'by parcel'}
returns: {late: boolean}
steps:
  - name: hurry
    wait_for_signal: hurry
    payload: {by: date}
    timeout: 1d
  - sql: insert into shop.audit (what) values ('shipped ' || :order_id || ' ' || :note)
  - return: {late: "$$source$ || '{' || $source$hurry.timed_out}"}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "begin", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "wait", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "look", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "taken", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "break", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "pace", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "far", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "message", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "payload", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/ship_there.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "return", "file": "workflows/ship_there.yaml", "line": 10}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
