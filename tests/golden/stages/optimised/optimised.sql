-- written by perdure: optimised, version 1, for target perdure
-- Compiled from workflows/optimised.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 51fdf687169c26cebc6d945246ba611bece73b12a6f88193511c6ac7d8090a7b

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.optimised_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of optimised may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[1] order
      df.as(
        df.sql($sql$
          with step as (
            select id, total, status, email from shop.orders where id = ($input.order_id)::bigint
          )
          select s.id, s.total::text as total, s.status
          from (select count(*) as n from step) as c
          left join step as s on true
          where perdure.expect(c.n, 'one', 'order')
        $sql$),
        'r1_order'
      ),
      -- steps[2]
      df.if(
        $sql$
          select coalesce((($r1_order.total)::numeric(12,2) > (1000)::integer)::boolean, false) as ok
        $sql$,
        -- steps[2].elif[0].then[0]
        df.sql($sql$insert into shop.audit (what) values ('large')$sql$)
      ),
      -- steps[3]
      df.if(
        $sql$
          select coalesce((($r1_order.total)::numeric(12,2) > (1000)::integer)::boolean, false)
            and coalesce((($r1_order.id?)::bigint > 5)::boolean, false) as ok
        $sql$,
        -- steps[3].then[0].then[0]
        df.sql($sql$insert into shop.audit (what) values ('late and large')$sql$)
      ),
      -- steps[4]
      df.if(
        $sql$
          select coalesce(($r1_order.status)::text = 'new'::text, false)
            or coalesce(($r1_order.status?)::text = 'paid'::text, false) as ok
        $sql$,
        df.if(
          $sql$
            select coalesce(($r1_order.status)::text = 'new'::text, false) as ok
          $sql$,
          -- steps[4].cases[0][0]
          df.sql($sql$insert into shop.audit (what) values ('new')$sql$),
          -- steps[4].cases[1][0]
          df.sql($sql$insert into shop.audit (what) values ('paid')$sql$)
        ),
        df.if(
          $sql$
            select coalesce(($r1_order.status)::text = 'sent'::text, false) as ok
          $sql$,
          -- steps[4].cases[2][0]
          df.sql($sql$insert into shop.audit (what) values ('sent')$sql$),
          df.if(
            $sql$
              select coalesce(($r1_order.status)::text = 'back'::text, false) as ok
            $sql$,
            -- steps[4].cases[3][0]
            df.sql($sql$insert into shop.audit (what) values ('back')$sql$)
          )
        )
      ),
      -- steps[5] others
      df.as(
        df.sql($sql$
          with step as (
            select id, total, status, email from shop.orders where id > ($input.order_id)::bigint
          )
          select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items
          from (select email from step) as s
        $sql$),
        'r2_others'
      ),
      -- steps[6]
      df.foreach(
        $sql$
          select email as email
          from (select t.email from jsonb_to_recordset(($r2_others.items?)::jsonb) as t(email text)) as s
        $sql$,
        -- steps[6].do[0]
        df.sql($sql$insert into shop.audit (what) values (($r3_o.email)::text)$sql$),
        'r3_o'
      ),
      -- steps[7]
      df.join(
        -- steps[7].parallel.first[0].parallel.a[0]
        df.sleep(1),
        -- steps[7].parallel.first[0].parallel.b[0]
        df.sleep(2),
        -- steps[7].parallel.second[0]
        df.sleep(3)
      ),
      -- steps[8]
      df.sql($sql$insert into shop.audit (what) values ('order')$sql$),
      -- steps[9] unread
      df.sql($sql$insert into shop.audit (what) values ('done') returning id$sql$),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'optimised@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id
    )
  );
end
$workflow$;

comment on function workflows.optimised_v1(bigint) is 'optimised, version 1: What each optimisation does, one after the other.';

create function workflows.optimised(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.optimised_v1(order_id)
$current$;

comment on function workflows.optimised(bigint) is 'Starts a run of optimised, version 1: What each optimisation does, one after the other.';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'optimised',
  1,
  '51fdf687169c26cebc6d945246ba611bece73b12a6f88193511c6ac7d8090a7b',
  'order_id bigint',
  $source$workflow: optimised
description: What each optimisation does, one after the other.

input:
  order_id: bigint

steps:
  - let: {careful: false, limit: 1000, kind: "'order'"}
  - name: order
    sql: select id, total, status, email from shop.orders where id = :order_id
    expect: one
  # perdure: ignore[WF405] an arm is never taken
  - if: careful
    then:
      - sql: insert into shop.audit (what) values ('careful')
    elif:
      - if: order.total > limit
        then:
          - sql: insert into shop.audit (what) values ('large')
  - if: order.total > limit and not careful
    then:
      - if: order.id > 5
        then:
          - sql: insert into shop.audit (what) values ('late and large')
  - switch: order.status
    cases:
      new:
        - sql: insert into shop.audit (what) values ('new')
      paid:
        - sql: insert into shop.audit (what) values ('paid')
      sent:
        - sql: insert into shop.audit (what) values ('sent')
      back:
        - sql: insert into shop.audit (what) values ('back')
  - name: others
    sql: select id, total, status, email from shop.orders where id > :order_id
  - foreach: o in others
    do:
      - sql: insert into shop.audit (what) values (:o.email)
  - parallel:
      first:
        - parallel:
            a: [{sleep: 1s}]
            b: [{sleep: 2s}]
      second: [{sleep: 3s}]
      third:
        - let: {nothing: 1}
  # perdure: ignore[WF405] it is always so
  - when: kind = 'order'
    sql: insert into shop.audit (what) values ('order')
  - name: unread
    sql: insert into shop.audit (what) values ('done') returning id
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": "order", "role": "sql", "file": "workflows/optimised.yaml", "line": 10},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/optimised.yaml", "line": 13},
{"path": "steps[2]", "name": null, "role": "condition", "file": "workflows/optimised.yaml", "line": 13},
{"path": "steps[2].elif[0].then[0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 19},
{"path": "steps[3]", "name": null, "role": "if", "file": "workflows/optimised.yaml", "line": 20},
{"path": "steps[3].then[0]", "name": null, "role": "if", "file": "workflows/optimised.yaml", "line": 22},
{"path": "steps[3].then[0].then[0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 24},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4].cases[0][0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 28},
{"path": "steps[4].cases[1][0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 30},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4].cases[2][0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 32},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4]", "name": null, "role": "case", "file": "workflows/optimised.yaml", "line": 25},
{"path": "steps[4].cases[3][0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 34},
{"path": "steps[5]", "name": "others", "role": "sql", "file": "workflows/optimised.yaml", "line": 36},
{"path": "steps[6]", "name": null, "role": "foreach", "file": "workflows/optimised.yaml", "line": 37},
{"path": "steps[6].do[0]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 39},
{"path": "steps[7]", "name": null, "role": "parallel", "file": "workflows/optimised.yaml", "line": 40},
{"path": "steps[7].parallel.first[0].parallel.a[0]", "name": null, "role": "sleep", "file": "workflows/optimised.yaml", "line": 43},
{"path": "steps[7].parallel.first[0].parallel.b[0]", "name": null, "role": "sleep", "file": "workflows/optimised.yaml", "line": 44},
{"path": "steps[7].parallel.second[0]", "name": null, "role": "sleep", "file": "workflows/optimised.yaml", "line": 45},
{"path": "steps[8]", "name": null, "role": "sql", "file": "workflows/optimised.yaml", "line": 50},
{"path": "steps[9]", "name": "unread", "role": "sql", "file": "workflows/optimised.yaml", "line": 52},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
