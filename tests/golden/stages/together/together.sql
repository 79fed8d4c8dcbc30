-- written by perdure: together, version 1, for target perdure
-- Compiled from workflows/together.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 02036d4e17c4e08991d079869fe05a26d75ba16f7ad889992e1515ca6934327d

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.together_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of together may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0].call.steps[0] hurry
      df.as(df.wait_for_signal('hurry', 86400), 'r1_hurry'),
      -- steps[0].call.steps[0] hurry, payload
      df.sql($sql$
        select perdure.check_signal(($r1_hurry)::jsonb, '{"by": "date"}') as ok
      $sql$),
      -- steps[0].call.steps[1]
      df.sql($sql$
        insert into shop.audit (what) values ('shipped ' || (($input.order_id)::bigint)::bigint || ' ' || ('by parcel')::text)
      $sql$),
      -- steps[1] apart
      df.timeout(
        df.seq(
          df.retry(
            df.as(
              df.call($sql$
                select workflows.ship_v1(order_id => ($input.order_id)::bigint, note => (cast('again for '::text || coalesce(cast(($input.order_id)::bigint as text), '') as text))::text) as run_id
              $sql$),
              'r2_run'
            ),
            2
          ),
          df.as(
            df.sql($sql$
              select (nullif((($r2_run)::jsonb -> 'result' -> 'rows' -> 0) -> 'result', 'null'))::text as value
            $sql$),
            'r3_apart'
          )
        ),
        interval '72 hours'
      ),
      -- steps[2] started
      df.as(
        df.sql($sql$
          select coalesce(perdure.started(k.workflow, k.key), perdure.keep_start(k.workflow, k.key, workflows.ship_v1(order_id => ($input.order_id)::bigint))) as run_id
          from (select 'ship'::text as workflow, ('order ' || (($input.order_id)::bigint)::text)::text as key) as k
        $sql$),
        'r4_started'
      ),
      -- steps[3]
      df.sql($sql$
        select df.signal((($r4_started.run_id)::text)::text, 'hurry', (jsonb_build_object('by', '2030-01-01'))::text)
      $sql$),
      -- steps[4]
      df.sql($sql$
        select jsonb_build_object('late', (((cast((jsonb_build_object('late', (($r1_hurry)::jsonb ->> 'timed_out')::boolean)) as jsonb))::jsonb ->> 'late')::boolean or (($r3_apart.value)::jsonb ->> 'late')::boolean)::boolean) as result
      $sql$)
    ),
    'together@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id
    )
  );
end
$workflow$;

comment on function workflows.together_v1(bigint) is 'together, version 1';

create function workflows.together(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.together_v1(order_id)
$current$;

comment on function workflows.together(bigint) is 'Starts a run of together, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'together',
  1,
  '02036d4e17c4e08991d079869fe05a26d75ba16f7ad889992e1515ca6934327d',
  'order_id bigint',
  $source$workflow: together
input: {order_id: bigint}
steps:
  - name: inside
    call: ship
    with: {order_id: "$$source$ || '{' || $source$order_id}"}
  - name: apart
    call: ship
    with: {order_id: "$$source$ || '{' || $source$order_id}", note: "again for $$source$ || '{' || $source$order_id}"}
    retry: 2
    timeout: 3d
  - name: started
    start: ship
    with: {order_id: "$$source$ || '{' || $source$order_id}"}
    key: order $$source$ || '{' || $source$order_id}
  - signal: hurry
    to: $$source$ || '{' || $source$started.run_id}
    data: {by: "2030-01-01"}
  - return: {late: "$$source$ || '{' || $source$inside.late or apart.late}"}
$source$
  || $file$
--- workflows/ship.yaml
workflow: ship
input: {order_id: bigint, note: text = 'by parcel'}
returns: {late: boolean}
steps:
  - name: hurry
    wait_for_signal: hurry
    payload: {by: date}
    timeout: 1d
  - sql: insert into shop.audit (what) values ('shipped ' || :order_id || ' ' || :note)
  - return: {late: "$$file$ || '{' || $file$hurry.timed_out}"}
$file$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "payload", "file": "workflows/ship.yaml", "line": 6},
{"path": "steps[0].call.steps[1]", "name": null, "role": "sql", "file": "workflows/ship.yaml", "line": 9},
{"path": "steps[1]", "name": "apart", "role": "timeout", "file": "workflows/together.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timed", "file": "workflows/together.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "retry", "file": "workflows/together.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "call", "file": "workflows/together.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "result", "file": "workflows/together.yaml", "line": 8},
{"path": "steps[2]", "name": "started", "role": "start", "file": "workflows/together.yaml", "line": 13},
{"path": "steps[3]", "name": null, "role": "send", "file": "workflows/together.yaml", "line": 16},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/together.yaml", "line": 19},
{"path": "steps[0]", "name": "inside", "role": "call", "file": "workflows/together.yaml", "line": 5}
]$map$,
  '0.1.0',
  'perdure'
);
