-- written by perdure: race, version 1, for target perdure
-- Compiled from workflows/race.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: f8cbeee98cf7fa20aa3af94cb17cc53d2c3192f48f80219c51f53110cd049707

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.race_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of race may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0] outcome
      df.as(
        df.race(
          df.seq(
            -- steps[0].race.paid[0] payment
            df.as(df.wait_for_signal('payment_confirmed'), 'r2_payment'),
            -- steps[0].race.paid[0] payment, payload
            df.sql($sql$
              select perdure.check_signal(($r2_payment)::jsonb, '{"amount": "numeric", "by": {"name": "text"}}') as ok
            $sql$),
            -- steps[0].race.paid[1] order
            df.as(
              df.sql($sql$
                with step as (
                  update shop.orders set status = 'paid' where id = ($input.order_id)::bigint returning id, total, placed_at
                )
                select total::text as total, to_jsonb(placed_at) #>> '{}' as placed_at
                from step
              $sql$),
              'r3_order'
            ),
            df.sql($sql$
              select 'paid'::text as winner, ($r2_payment)::text as payment_whole, (($r3_order.total?)::numeric(12,2))::text as order_total, to_jsonb(($r3_order.placed_at?)::timestamp with time zone) #>> '{}' as order_placed_at
            $sql$)
          ),
          df.seq(
            -- steps[0].race.expired[0]
            df.sleep(86400),
            df.sql($sql$
              select 'expired'::text as winner, null::text as payment_whole, null::text as order_total, null::text as order_placed_at
            $sql$)
          ),
          df.seq(
            -- steps[0].race.polled[0]
            df.repeat(
              df.seq(
                -- steps[0].race.polled[0].loop[0] poll, request
                df.as(
                  df.sql($sql$
                    select 'https://pay.example.com/orders/' || perdure.url_encode((($input.order_id)::bigint)::text) || '?v=' || perdure.url_encode(('{sys_instance_id}')::text) as url, ('{sys_instance_id}')::text as header_1
                  $sql$),
                  'r4_request'
                ),
                -- steps[0].race.polled[0].loop[0] poll
                df.as(
                  df.http(
                    '$r4_request.url',
                    'GET',
                    null,
                    '{"x-run": "$r4_request.header_1", "accept": "application/json"}'::jsonb,
                    5
                  ),
                  'r5_poll'
                ),
                -- steps[0].race.polled[0].loop[1]
                df.if(
                  $sql$
                    select coalesce((coalesce(((($r5_poll)::jsonb ->> 'ok')::boolean and ((nullif(perdure.parse_json(($r5_poll)::jsonb ->> 'body'), 'null') ->> 'state') = 'paid')), false))::boolean, false) as ok
                  $sql$,
                  -- steps[0].race.polled[0].loop[1].then[0]
                  df.break()
                )
              ),
              every => interval '1 minute'
            ),
            df.sql($sql$
              select 'polled'::text as winner, null::text as payment_whole, null::text as order_total, null::text as order_placed_at
            $sql$)
          )
        ),
        'r1_outcome'
      ),
      -- steps[1]
      df.if(
        $sql$
          select coalesce(((($r1_outcome.winner)::text = 'paid') and (($r1_outcome.order_total?)::numeric(12,2) is not null))::boolean, false) as ok
        $sql$,
        -- steps[1].then[0]
        df.sql($sql$
          select perdure.assert(coalesce((coalesce(((($r1_outcome.payment_whole?)::jsonb -> 'data' ->> 'amount')::numeric >= ($r1_outcome.order_total)::numeric(12,2)), false))::boolean, false), 'only ' || ((($r1_outcome.payment_whole?)::jsonb -> 'data' ->> 'amount')::numeric)::text || ' of ' || (($r1_outcome.order_total)::numeric(12,2))::text || ' was paid') as ok
        $sql$)
      ),
      -- steps[2]
      df.if(
        $sql$
          select coalesce((($r1_outcome.winner)::text = 'expired')::boolean, false) as ok
        $sql$,
        -- steps[2].then[0]
        df.sql($sql$
          select perdure.fail('order ' || (($input.order_id)::bigint)::text || ' was never paid')
        $sql$),
        df.if(
          $sql$
            select coalesce((($r1_outcome.winner)::text = 'polled')::boolean, false) as ok
          $sql$,
          -- steps[2].elif[0].then[0]
          df.return($sql$
            select jsonb_build_object('paid_at', null, 'by', null) as result
          $sql$),
          -- steps[2].else[0]
          df.return($sql$
            select jsonb_build_object('paid_at', ($r1_outcome.order_placed_at?)::timestamp with time zone, 'by', (($r1_outcome.payment_whole?)::jsonb -> 'data' -> 'by' ->> 'name')::text) as result
          $sql$)
        )
      )
    ),
    'race@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id
    )
  );
end
$workflow$;

comment on function workflows.race_v1(bigint) is 'race, version 1';

create function workflows.race(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.race_v1(order_id)
$current$;

comment on function workflows.race(bigint) is 'Starts a run of race, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'race',
  1,
  'f8cbeee98cf7fa20aa3af94cb17cc53d2c3192f48f80219c51f53110cd049707',
  'order_id bigint',
  $source$workflow: race
input: {order_id: bigint}
steps:
  - name: outcome
    race:
      paid:
        - {name: payment, wait_for_signal: payment_confirmed, payload: {amount: numeric, by: {name: text}}}
        - name: order
          sql: update shop.orders set status = 'paid' where id = :order_id returning id, total, placed_at
      expired:
        - sleep: 1d
      polled:
        - loop:
            - name: poll
              http: GET https://pay.example.com/orders/$$source$ || '{' || $source$order_id}?v=$$source$ || '{' || $source$run.id}
              headers: {x-run: "$$source$ || '{' || $source$run.id}", accept: application/json}
              timeout: 5s
            - if: coalesce(poll.ok and poll.json ->> 'state' = 'paid', false)
              then: [break]
          every: 1m
  - if: outcome.winner = 'paid' and order.total is not null
    then:
      - assert: coalesce(payment.data.amount >= order.total, false)
        message: "only $$source$ || '{' || $source$payment.data.amount} of $$source$ || '{' || $source$order.total} was paid"
  - if: outcome.winner = 'expired'
    then:
      - fail: order $$source$ || '{' || $source$order_id} was never paid
    elif:
      - if: outcome.winner = 'polled'
        then:
          - return: {paid_at: null, by: null}
    else:
      - return: {paid_at: "$$source$ || '{' || $source$order.placed_at}", by: "$$source$ || '{' || $source$payment.data.by.name}"}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "outcome", "role": "race", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0]", "name": "outcome", "role": "branch", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0].race.paid[0]", "name": "payment", "role": "signal", "file": "workflows/race.yaml", "line": 7},
{"path": "steps[0].race.paid[0]", "name": "payment", "role": "payload", "file": "workflows/race.yaml", "line": 7},
{"path": "steps[0].race.paid[1]", "name": "order", "role": "sql", "file": "workflows/race.yaml", "line": 9},
{"path": "steps[0]", "name": "outcome", "role": "winner", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0]", "name": "outcome", "role": "branch", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0].race.expired[0]", "name": null, "role": "sleep", "file": "workflows/race.yaml", "line": 11},
{"path": "steps[0]", "name": "outcome", "role": "winner", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0]", "name": "outcome", "role": "branch", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[0].race.polled[0]", "name": null, "role": "loop", "file": "workflows/race.yaml", "line": 13},
{"path": "steps[0].race.polled[0]", "name": null, "role": "body", "file": "workflows/race.yaml", "line": 13},
{"path": "steps[0].race.polled[0].loop[0]", "name": "poll", "role": "request", "file": "workflows/race.yaml", "line": 15},
{"path": "steps[0].race.polled[0].loop[0]", "name": "poll", "role": "http", "file": "workflows/race.yaml", "line": 15},
{"path": "steps[0].race.polled[0].loop[1]", "name": null, "role": "if", "file": "workflows/race.yaml", "line": 18},
{"path": "steps[0].race.polled[0].loop[1]", "name": null, "role": "condition", "file": "workflows/race.yaml", "line": 18},
{"path": "steps[0].race.polled[0].loop[1].then[0]", "name": null, "role": "break", "file": "workflows/race.yaml", "line": 19},
{"path": "steps[0]", "name": "outcome", "role": "winner", "file": "workflows/race.yaml", "line": 5},
{"path": "steps[1]", "name": null, "role": "if", "file": "workflows/race.yaml", "line": 21},
{"path": "steps[1]", "name": null, "role": "condition", "file": "workflows/race.yaml", "line": 21},
{"path": "steps[1].then[0]", "name": null, "role": "assert", "file": "workflows/race.yaml", "line": 23},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/race.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "condition", "file": "workflows/race.yaml", "line": 25},
{"path": "steps[2].then[0]", "name": null, "role": "fail", "file": "workflows/race.yaml", "line": 27},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/race.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "condition", "file": "workflows/race.yaml", "line": 25},
{"path": "steps[2].elif[0].then[0]", "name": null, "role": "return", "file": "workflows/race.yaml", "line": 31},
{"path": "steps[2].else[0]", "name": null, "role": "return", "file": "workflows/race.yaml", "line": 33}
]$map$,
  '0.1.0',
  'perdure'
);
