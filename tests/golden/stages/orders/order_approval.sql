-- written by perdure: order_approval, version 1, for target perdure
-- Compiled from workflows/order_approval.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 1fa7019e20b4d3c4c611ca1c850840ae1d2b04cf00b196d0bb726f37f239905b

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.order_approval_v1(
  order_id bigint,
  threshold numeric default cast(1000 as numeric)
)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null or threshold is null then
    raise null_value_not_allowed using
      message = 'an input of order_approval that may not be null is: order_id, threshold';
  end if;
  return df.start(
    df.seq(
      -- steps[0] order
      df.as(
        df.sql($sql$
          with step as (
            select id, total, email from shop.orders where id = ($input.order_id)::bigint
          )
          select s.id, s.total::text as total, s.email
          from (select count(*) as n from step) as c
          left join step as s on true
          where perdure.expect(c.n, 'one', 'order')
        $sql$),
        'r1_order'
      ),
      -- steps[1]
      df.if(
        $sql$
          select coalesce((($r1_order.total)::numeric(12,2) > ($input.threshold)::numeric)::boolean, false) as ok
        $sql$,
        df.seq(
          -- steps[1].then[0] approval
          df.as(df.wait_for_signal('approval', 86400), 'r2_approval'),
          -- steps[1].then[0] approval, payload
          df.sql($sql$
            select perdure.check_signal(($r2_approval)::jsonb, '{"approved": "boolean", "approver": "text", "note": {"?": "text"}}') as ok
          $sql$),
          -- steps[1].then[1]
          df.if(
            $sql$
              select coalesce(((($r2_approval)::jsonb ->> 'timed_out')::boolean or (not (($r2_approval)::jsonb -> 'data' ->> 'approved')::boolean))::boolean, false) as ok
            $sql$,
            df.seq(
              -- steps[1].then[1].then[0]
              df.sql($sql$
                update shop.orders set status = 'rejected' where id = ($r1_order.id)::bigint
              $sql$),
              -- steps[1].then[1].then[1]
              df.return($sql$select jsonb_build_object('status', 'rejected') as result$sql$)
            )
          )
        )
      ),
      -- steps[2]
      df.join(
        -- steps[2].parallel.reserve[0]
        df.sql($sql$
          update shop.stock set reserved = reserved + 1 where order_id = ($r1_order.id)::bigint
        $sql$),
        df.seq(
          -- steps[2].parallel.notify[0], request
          df.as(
            df.sql($sql$
              select (jsonb_build_object('text', 'Order ' || (($r1_order.id)::bigint)::text || ' for ' || ($r1_order.email)::text))::text as body
            $sql$),
            'r3_request'
          ),
          -- steps[2].parallel.notify[0]
          df.retry(
            df.http(
              'https://hooks.example.com/orders',
              'POST',
              '$r3_request.body',
              '{"content-type": "application/json"}'::jsonb
            ),
            5
          )
        )
      ),
      -- steps[3]
      df.sql($sql$
        update shop.orders set status = 'approved' where id = ($r1_order.id)::bigint
      $sql$),
      -- steps[4]
      df.sql($sql$select jsonb_build_object('status', 'approved') as result$sql$)
    ),
    'order_approval@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id,
      'threshold', threshold::text
    )
  );
end
$workflow$;

comment on function workflows.order_approval_v1(bigint, numeric) is 'order_approval, version 1: Hold large orders until someone approves them.';

create function workflows.order_approval(
  order_id bigint,
  threshold numeric default cast(1000 as numeric)
)
returns text
language sql
volatile
as $current$
  select workflows.order_approval_v1(order_id, threshold)
$current$;

comment on function workflows.order_approval(bigint, numeric) is 'Starts a run of order_approval, version 1: Hold large orders until someone approves them.';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'order_approval',
  1,
  '1fa7019e20b4d3c4c611ca1c850840ae1d2b04cf00b196d0bb726f37f239905b',
  'order_id bigint, threshold numeric default cast(1000 as numeric)',
  $source$workflow: order_approval
description: Hold large orders until someone approves them.

input:
  order_id: bigint
  threshold: numeric = 1000

steps:
  - name: order
    sql: select id, total, email from shop.orders where id = :order_id
    expect: one

  - if: order.total > threshold
    then:
      - name: approval
        wait_for_signal: approval
        payload: {approved: boolean, approver: text, note: text?}
        timeout: 1d
      - if: approval.timed_out or not approval.data.approved
        then:
          - sql: update shop.orders set status = 'rejected' where id = :order.id
          - return: {status: rejected}

  - parallel:
      reserve:
        - sql: update shop.stock set reserved = reserved + 1 where order_id = :order.id
      notify:
        - http: POST https://hooks.example.com/orders
          json: {text: "Order $$source$ || '{' || $source$order.id} for $$source$ || '{' || $source$order.email}"}
          retry: {max_attempts: 5, backoff: 1s}

  - sql: update shop.orders set status = 'approved' where id = :order.id
  - return: {status: approved}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "order", "role": "sql", "file": "workflows/order_approval.yaml", "line": 10},
{"path": "steps[1]", "name": null, "role": "if", "file": "workflows/order_approval.yaml", "line": 13},
{"path": "steps[1]", "name": null, "role": "condition", "file": "workflows/order_approval.yaml", "line": 13},
{"path": "steps[1]", "name": null, "role": "then", "file": "workflows/order_approval.yaml", "line": 13},
{"path": "steps[1].then[0]", "name": "approval", "role": "signal", "file": "workflows/order_approval.yaml", "line": 16},
{"path": "steps[1].then[0]", "name": "approval", "role": "payload", "file": "workflows/order_approval.yaml", "line": 16},
{"path": "steps[1].then[1]", "name": null, "role": "if", "file": "workflows/order_approval.yaml", "line": 19},
{"path": "steps[1].then[1]", "name": null, "role": "condition", "file": "workflows/order_approval.yaml", "line": 19},
{"path": "steps[1].then[1]", "name": null, "role": "then", "file": "workflows/order_approval.yaml", "line": 19},
{"path": "steps[1].then[1].then[0]", "name": null, "role": "sql", "file": "workflows/order_approval.yaml", "line": 21},
{"path": "steps[1].then[1].then[1]", "name": null, "role": "return", "file": "workflows/order_approval.yaml", "line": 22},
{"path": "steps[2]", "name": null, "role": "parallel", "file": "workflows/order_approval.yaml", "line": 24},
{"path": "steps[2].parallel.reserve[0]", "name": null, "role": "sql", "file": "workflows/order_approval.yaml", "line": 26},
{"path": "steps[2]", "name": null, "role": "branch", "file": "workflows/order_approval.yaml", "line": 24},
{"path": "steps[2].parallel.notify[0]", "name": null, "role": "request", "file": "workflows/order_approval.yaml", "line": 28},
{"path": "steps[2].parallel.notify[0]", "name": null, "role": "retry", "file": "workflows/order_approval.yaml", "line": 28},
{"path": "steps[2].parallel.notify[0]", "name": null, "role": "http", "file": "workflows/order_approval.yaml", "line": 28},
{"path": "steps[3]", "name": null, "role": "sql", "file": "workflows/order_approval.yaml", "line": 32},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/order_approval.yaml", "line": 33}
]$map$,
  '0.1.0',
  'perdure'
);
