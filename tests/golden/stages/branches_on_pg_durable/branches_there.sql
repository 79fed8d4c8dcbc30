-- written by perdure: branches_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/branches_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 8732d8e4c9f1b4ec1ddd7abecc0b6bbb9e1a47a5864d06edb0638a77a77d397b

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.branches_there_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
declare
  v_order_id constant text := perdure.literal(order_id::text);
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of branches_there may not be null';
  end if;
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          df.seq(
            -- steps[0] order
            df.as(
              df.sql($sql$
                with step as (
                  select id, total, status from shop.orders where id = ($sql$ || v_order_id || $sql$)::bigint
                )
                select s.total::text as total
                from (select count(*) as n from step) as c
                left join step as s on true
                where perdure.expect(c.n, 'one', 'order')
              $sql$),
              'r2_order'
            ),
            -- steps[1]
            df.as(
              df.sql($sql$
                select to_jsonb((clock_timestamp())::timestamp with time zone) #>> '{}' as value
              $sql$),
              'r3_looked'
            )
          ),
          -- steps[2]
          df.if(
            $sql$
              select coalesce((((($r2_order.total)::numeric(12,2) / 1.19))::numeric > 100)::boolean, false) as ok
            $sql$,
            -- steps[2].then[0]
            df.sql($sql$
              insert into shop.audit (what, at) values ('large', ($r3_looked.value)::timestamp with time zone)
            $sql$),
            df.if(
              $sql$
                select coalesce((((($r2_order.total)::numeric(12,2) / 1.19))::numeric > 10)::boolean, false) as ok
              $sql$,
              -- steps[2].elif[0].then[0]
              df.sql($sql$insert into shop.audit (what) values ('medium')$sql$),
              -- steps[2].else[0]
              df.sql($sql$
                select perdure.assert(coalesce((((($r2_order.total)::numeric(12,2) / 1.19))::numeric > 0)::boolean, false), 'order ' || (($sql$ || v_order_id || $sql$)::bigint)::text || ' is free') as ok
              $sql$)
            )
          )
        ),
        df.seq(
          -- steps[3]
          df.join(
            df.join(
              -- steps[3].parallel.reserve[0] reserved
              df.as(
                df.sql($sql$
                  with step as (
                    update shop.stock set reserved = reserved + 1 where order_id = ($sql$ || v_order_id || $sql$)::bigint
                    returning 1 as ok
                  )
                  select count(*) as rows_affected from step
                $sql$),
                'r4_reserved'
              ),
              -- steps[3].parallel.count[0] orders
              df.as(
                df.sql($sql$select count(*) as number from shop.orders$sql$),
                'r5_orders'
              )
            ),
            -- steps[3].parallel.wait[0]
            df.sleep(5)
          ),
          -- steps[4] outcome
          df.as(
            df.race(
              df.seq(
                df.seq(
                  -- steps[4].race.paid[0] payment
                  df.seq(
                    df.as(
                      df.sql($sql$
                        select gen_random_uuid() as token, clock_timestamp() + interval '5 seconds' as settled, clock_timestamp() + interval '172800 seconds' as deadline
                      $sql$),
                      'w1_wait'
                    ),
                    df.loop(
                      df.if(
                        $sql$
                          select perdure.take_signal('{sys_instance_id}', 'paid', ($w1_wait.token)::uuid) is not null or ($w1_wait.deadline)::timestamptz - clock_timestamp() <= interval '0' as ok
                        $sql$,
                        df.break(),
                        df.if(
                          $sql$
                            select clock_timestamp() > ($w1_wait.settled)::timestamptz and ($w1_wait.deadline)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                          $sql$,
                          df.wait_for_signal('paid', 60),
                          df.wait_for_signal('paid', 1)
                        )
                      )
                    )
                  ),
                  -- steps[4].race.paid[0] payment
                  df.as(
                    df.sql($sql$
                      select coalesce(perdure.take_signal('{sys_instance_id}', 'paid', ($w1_wait.token)::uuid), jsonb_build_object('signal_name', 'paid', 'timed_out', true, 'data', null))::text as signal
                    $sql$),
                    'r6_signal'
                  )
                ),
                df.seq(
                  -- steps[4].race.paid[0] payment, payload
                  df.sql($sql$
                    select perdure.check_signal(($r6_signal)::jsonb, '{"amount": "numeric"}') as ok
                  $sql$),
                  df.sql($sql$select 'paid'::text as winner$sql$)
                )
              ),
              df.seq(
                -- steps[4].race.expired[0]
                df.sleep(86400),
                df.sql($sql$select 'expired'::text as winner$sql$)
              )
            ),
            'r1_outcome'
          )
        )
      ),
      df.seq(
        df.seq(
          -- steps[5]
          df.loop(
            df.seq(
              df.seq(
                df.seq(
                  df.as(
                    df.sql($sql$
                      select clock_timestamp() + interval '60 seconds' as next
                    $sql$),
                    'w2_round'
                  ),
                  -- steps[5].loop[0] next
                  df.as(
                    df.sql($sql$
                      select id from shop.orders where status = 'new' order by id limit 1
                    $sql$),
                    'r7_next'
                  )
                ),
                -- steps[5].loop[1]
                df.if(
                  $sql$
                    select coalesce((($r7_next.id?)::bigint is null)::boolean, false) as ok
                  $sql$,
                  -- steps[5].loop[1].then[0]
                  df.break(),
                  df.sql($sql$select 1 as nothing$sql$)
                )
              ),
              df.seq(
                -- steps[5].loop[2]
                df.if(
                  $sql$
                    select coalesce((($r7_next.id)::bigint = ($sql$ || v_order_id || $sql$)::bigint)::boolean, false) as ok
                  $sql$,
                  -- steps[5].loop[2].then[0]
                  df.sql($sql$select 1 as nothing$sql$),
                  -- steps[5].loop[3]
                  df.sql($sql$
                    update shop.orders set status = 'seen' where id = ($r7_next.id)::bigint
                  $sql$)
                ),
                df.if(
                  $sql$
                    select ($w2_round.next)::timestamptz - clock_timestamp() > interval '0' as ok
                  $sql$,
                  df.loop(
                    df.if(
                      $sql$
                        select ($w2_round.next)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                      $sql$,
                      df.sleep(60),
                      df.sleep(1)
                    ),
                    $sql$
                      select ($w2_round.next)::timestamptz - clock_timestamp() > interval '0' as ok
                    $sql$
                  ),
                  df.sql($sql$select 1 as nothing$sql$)
                )
              )
            )
          ),
          -- steps[6] left
          df.as(
            df.sql($sql$
              select count(*) as orders from shop.orders where status = 'seen'
            $sql$),
            'r8_left'
          )
        ),
        df.seq(
          -- steps[7]
          df.loop(
            df.if(
              $sql$
                select coalesce((($r8_left.orders)::bigint > 0)::boolean, false) as ok
              $sql$,
              df.seq(
                -- steps[7].loop[0]
                df.sql($sql$delete from shop.orders where status = 'seen'$sql$),
                -- steps[7].loop[1] left
                df.as(
                  df.sql($sql$
                    select count(*) as orders from shop.orders where status = 'seen'
                  $sql$),
                  'r8_left'
                )
              ),
              df.break()
            )
          ),
          -- steps[8]
          df.sql($sql$
            select jsonb_build_object('winner', ($r1_outcome.winner)::text, 'reserved', ($r4_reserved.rows_affected)::bigint, 'orders', ($r5_orders.number)::bigint) as result
          $sql$)
        )
      )
    ),
    'branches_there@1'
  );
end
$workflow$;

comment on function workflows.branches_there_v1(bigint) is 'branches_there, version 1';

create function workflows.branches_there(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.branches_there_v1(order_id)
$current$;

comment on function workflows.branches_there(bigint) is 'Starts a run of branches_there, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'branches_there',
  1,
  '8732d8e4c9f1b4ec1ddd7abecc0b6bbb9e1a47a5864d06edb0638a77a77d397b',
  'order_id bigint',
  $source$workflow: branches_there
input: {order_id: bigint}
steps:
  - name: order
    sql: select id, total, status from shop.orders where id = :order_id
    expect: one
  - let: {net: order.total / 1.19, looked: clock_timestamp()}
  - if: net > 100
    then:
      - sql: insert into shop.audit (what, at) values ('large', :looked)
    elif:
      - if: net > 10
        then:
          - sql: insert into shop.audit (what) values ('medium')
    else:
      - assert: net > 0
        message: order $$source$ || '{' || $source$order_id} is free
  - parallel:
      reserve:
        - name: reserved
          sql: update shop.stock set reserved = reserved + 1 where order_id = :order_id
      count:
        - name: orders
          sql: select count(*) as number from shop.orders
      wait:
        - sleep: 5s
  - name: outcome
    race:
      paid:
        - name: payment
          wait_for_signal: paid
          payload: {amount: numeric}
          timeout: 2d
      expired:
        - sleep: 1d
  - loop:
      - name: next
        sql: select id from shop.orders where status = 'new' order by id limit 1
      - if: next.id is null
        then: [break]
      - if: next.id = order_id
        then: [continue]
      - sql: update shop.orders set status = 'seen' where id = :next.id
    every: 1m
  - name: left
    sql: select count(*) as orders from shop.orders where status = 'seen'
  - loop:
      - sql: delete from shop.orders where status = 'seen'
      - name: left
        sql: select count(*) as orders from shop.orders where status = 'seen'
    while: left.orders > 0
  - return: {winner: "$$source$ || '{' || $source$outcome.winner}", reserved: "$$source$ || '{' || $source$reserved.rows_affected}", orders: "$$source$ || '{' || $source$orders.number}"}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "order", "role": "sql", "file": "workflows/branches_there.yaml", "line": 5},
{"path": "steps[1]", "name": null, "role": "value", "file": "workflows/branches_there.yaml", "line": 7},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/branches_there.yaml", "line": 8},
{"path": "steps[2]", "name": null, "role": "condition", "file": "workflows/branches_there.yaml", "line": 8},
{"path": "steps[2].then[0]", "name": null, "role": "sql", "file": "workflows/branches_there.yaml", "line": 10},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/branches_there.yaml", "line": 8},
{"path": "steps[2]", "name": null, "role": "condition", "file": "workflows/branches_there.yaml", "line": 8},
{"path": "steps[2].elif[0].then[0]", "name": null, "role": "sql", "file": "workflows/branches_there.yaml", "line": 14},
{"path": "steps[2].else[0]", "name": null, "role": "assert", "file": "workflows/branches_there.yaml", "line": 16},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[3]", "name": null, "role": "parallel", "file": "workflows/branches_there.yaml", "line": 18},
{"path": "steps[3]", "name": null, "role": "parallel", "file": "workflows/branches_there.yaml", "line": 18},
{"path": "steps[3].parallel.reserve[0]", "name": "reserved", "role": "sql", "file": "workflows/branches_there.yaml", "line": 21},
{"path": "steps[3].parallel.count[0]", "name": "orders", "role": "sql", "file": "workflows/branches_there.yaml", "line": 24},
{"path": "steps[3].parallel.wait[0]", "name": null, "role": "sleep", "file": "workflows/branches_there.yaml", "line": 26},
{"path": "steps[4]", "name": "outcome", "role": "race", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4]", "name": "outcome", "role": "branch", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4]", "name": "outcome", "role": "branch", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "signal", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "begin", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "wait", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "look", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "taken", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "break", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "pace", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "far", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "signal", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "signal", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "message", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4]", "name": "outcome", "role": "branch", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4].race.paid[0]", "name": "payment", "role": "payload", "file": "workflows/branches_there.yaml", "line": 31},
{"path": "steps[4]", "name": "outcome", "role": "winner", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4]", "name": "outcome", "role": "branch", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps[4].race.expired[0]", "name": null, "role": "sleep", "file": "workflows/branches_there.yaml", "line": 35},
{"path": "steps[4]", "name": "outcome", "role": "winner", "file": "workflows/branches_there.yaml", "line": 28},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[5]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "start", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5].loop[0]", "name": "next", "role": "sql", "file": "workflows/branches_there.yaml", "line": 38},
{"path": "steps[5].loop[1]", "name": null, "role": "if", "file": "workflows/branches_there.yaml", "line": 39},
{"path": "steps[5].loop[1]", "name": null, "role": "condition", "file": "workflows/branches_there.yaml", "line": 39},
{"path": "steps[5].loop[1].then[0]", "name": null, "role": "break", "file": "workflows/branches_there.yaml", "line": 40},
{"path": "steps[5].loop[1]", "name": null, "role": "nothing", "file": "workflows/branches_there.yaml", "line": 39},
{"path": "steps[5]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5].loop[2]", "name": null, "role": "if", "file": "workflows/branches_there.yaml", "line": 41},
{"path": "steps[5].loop[2]", "name": null, "role": "condition", "file": "workflows/branches_there.yaml", "line": 41},
{"path": "steps[5].loop[2].then[0]", "name": null, "role": "nothing", "file": "workflows/branches_there.yaml", "line": 42},
{"path": "steps[5].loop[3]", "name": null, "role": "sql", "file": "workflows/branches_there.yaml", "line": 43},
{"path": "steps[5]", "name": null, "role": "wait", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "ahead", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "wait", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "pace", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "far", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "sleep", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "sleep", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "ahead", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[5]", "name": null, "role": "nothing", "file": "workflows/branches_there.yaml", "line": 36},
{"path": "steps[6]", "name": "left", "role": "sql", "file": "workflows/branches_there.yaml", "line": 46},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[7]", "name": null, "role": "loop", "file": "workflows/branches_there.yaml", "line": 47},
{"path": "steps[7]", "name": null, "role": "while", "file": "workflows/branches_there.yaml", "line": 47},
{"path": "steps[7]", "name": null, "role": "while", "file": "workflows/branches_there.yaml", "line": 47},
{"path": "steps[7]", "name": null, "role": "body", "file": "workflows/branches_there.yaml", "line": 47},
{"path": "steps[7].loop[0]", "name": null, "role": "sql", "file": "workflows/branches_there.yaml", "line": 48},
{"path": "steps[7].loop[1]", "name": "left", "role": "sql", "file": "workflows/branches_there.yaml", "line": 50},
{"path": "steps[7]", "name": null, "role": "break", "file": "workflows/branches_there.yaml", "line": 47},
{"path": "steps[8]", "name": null, "role": "return", "file": "workflows/branches_there.yaml", "line": 52}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
