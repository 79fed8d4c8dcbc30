-- written by perdure: ship, version 1, for target perdure
-- Compiled from workflows/ship.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: b9095ef3f97b392899a095c78900a8513257253c5d662d00ae95f9834254873f

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.ship_v1(order_id bigint, note text default 'by parcel')
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null or note is null then
    raise null_value_not_allowed using
      message = 'an input of ship that may not be null is: order_id, note';
  end if;
  return df.start(
    df.seq(
      -- steps[0] hurry
      df.as(df.wait_for_signal('hurry', 86400), 'r1_hurry'),
      -- steps[0] hurry, payload
      df.sql($sql$
        select perdure.check_signal(($r1_hurry)::jsonb, '{"by": "date"}') as ok
      $sql$),
      -- steps[1]
      df.sql($sql$
        insert into shop.audit (what) values ('shipped ' || ($input.order_id)::bigint || ' ' || ($input.note)::text)
      $sql$),
      -- steps[2]
      df.sql($sql$
        select jsonb_build_object('late', (($r1_hurry)::jsonb ->> 'timed_out')::boolean) as result
      $sql$)
    ),
    'ship@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id,
      'note', note
    )
  );
end
$workflow$;

comment on function workflows.ship_v1(bigint, text) is 'ship, version 1';

create function workflows.ship(order_id bigint, note text default 'by parcel')
returns text
language sql
volatile
as $current$
  select workflows.ship_v1(order_id, note)
$current$;

comment on function workflows.ship(bigint, text) is 'Starts a run of ship, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'ship',
  1,
  'b9095ef3f97b392899a095c78900a8513257253c5d662d00ae95f9834254873f',
  'order_id bigint, note text default ''by parcel''',
  $source$workflow: ship
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
{"path": "steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship.yaml", "line": 6},
{"path": "steps[0]", "name": "hurry", "role": "payload", "file": "workflows/ship.yaml", "line": 6},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/ship.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "return", "file": "workflows/ship.yaml", "line": 10}
]$map$,
  '0.1.0',
  'perdure'
);
