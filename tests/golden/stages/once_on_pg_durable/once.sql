-- written by perdure: once, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/once.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 827c9c21e3f7bf65a7dda4a89c808ea08d196b0062cafea776e08ef72329fb67

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.once_v1(order_id bigint)
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
      message = 'input order_id of once may not be null';
  end if;
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          -- steps[0] noted
          df.as(
            df.sql($sql$
              select r.row ->> 'id' as id
              from (select perdure.perform(array['insert into shop.audit (what) values (''order '' || (($1)[1])::bigint) returning id'], array['']::text[],
                array[($sql$ || v_order_id || $sql$)::text]::text[], array[]::integer[],
                p_run => '{sys_instance_id}', p_entry => '1') -> 0 -> 0 as row) as r
            $sql$),
            'r1_noted'
          ),
          -- steps[1]
          df.sql($sql$update shop.orders set status = 'seen' where id = ($sql$ || v_order_id || $sql$)::bigint$sql$)
        ),
        -- steps[2]
        df.loop(
          df.seq(
            df.seq(
              df.seq(
                df.as(
                  df.sql($sql$
                    select clock_timestamp() + interval '1 seconds' as next
                  $sql$),
                  'w3_round'
                ),
                df.as(df.sql($sql$select gen_random_uuid() as token$sql$), 'w1_round')
              ),
              df.seq(
                -- steps[2].loop[0]
                df.as(
                  df.sql($sql$
                    select perdure.perform(
                      array[
                        'with step as (
                      update shop.stock set reserved = reserved - 1 where order_id = (($1)[1])::bigint
                      returning 1 as ok
                    )
                    select count(*) as rows_affected from step',
                        'insert into shop.audit (what) values (''took '' || (($1)[2])::bigint)'
                      ], array['rows_affected', null]::text[],
                      array[($sql$ || v_order_id || $sql$)::text]::text[], array[2]::integer[], p_run => '{sys_instance_id}', p_entry => '2/' || ($w1_round.token)::text)::text as rows
                  $sql$),
                  'w2_transaction'
                ),
                -- steps[2].loop[0].transaction[0] taken
                df.as(
                  df.sql($sql$
                    select r.row ->> 'rows_affected' as rows_affected
                    from (select ($w2_transaction.rows?)::jsonb -> 0 -> 0 as row) as r
                  $sql$),
                  'r2_taken'
                )
              )
            ),
            df.seq(
              df.seq(
                -- steps[2].loop[1] stock
                df.as(
                  df.sql($sql$
                    with step as (
                      select reserved from shop.stock where order_id = ($sql$ || v_order_id || $sql$)::bigint
                    )
                    select s.reserved
                    from (select count(*) as n from step) as c
                    left join step as s on true
                    where perdure.expect(c.n, 'one', 'stock')
                  $sql$),
                  'r3_stock'
                ),
                df.if(
                  $sql$
                    select coalesce((($r3_stock.reserved)::integer <= 0)::boolean, false) as ok
                  $sql$,
                  df.break(),
                  df.sql($sql$select 1 as nothing$sql$)
                )
              ),
              df.if(
                $sql$
                  select ($w3_round.next)::timestamptz - clock_timestamp() > interval '0' as ok
                $sql$,
                df.loop(
                  df.if(
                    $sql$
                      select ($w3_round.next)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                    $sql$,
                    df.sleep(60),
                    df.sleep(1)
                  ),
                  $sql$
                    select ($w3_round.next)::timestamptz - clock_timestamp() > interval '0' as ok
                  $sql$
                ),
                df.sql($sql$select 1 as nothing$sql$)
              )
            )
          )
        )
      ),
      df.seq(
        df.seq(
          -- steps[3]
          df.loop(
            df.seq(
              -- steps[3].loop[0]
              df.sql($sql$insert into shop.audit (what) values ('plain')$sql$),
              -- steps[3].loop[1]
              df.break()
            )
          ),
          -- steps[4]
          df.sql($sql$
            select perdure.perform(array['select df.signal(((cast((($1)[1])::bigint as text))::text)::text, ''stocked'', ''{}'')'], array[null]::text[],
              array[($r1_noted.id?)::text]::text[], array[1]::integer[],
              p_run => '{sys_instance_id}', p_entry => '3') is not null as ok
          $sql$)
        ),
        df.sql($sql$select null::jsonb as result$sql$)
      )
    ),
    'once@1'
  );
end
$workflow$;

comment on function workflows.once_v1(bigint) is 'once, version 1';

create function workflows.once(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.once_v1(order_id)
$current$;

comment on function workflows.once(bigint) is 'Starts a run of once, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'once',
  1,
  '827c9c21e3f7bf65a7dda4a89c808ea08d196b0062cafea776e08ef72329fb67',
  'order_id bigint',
  $source$workflow: once
input:
  order_id: bigint
steps:
  - name: noted
    sql: insert into shop.audit (what) values ('order ' || :order_id) returning id
    effects: once
  - sql: update shop.orders set status = 'seen' where id = :order_id
  - loop:
      - transaction:
          - name: taken
            sql: update shop.stock set reserved = reserved - 1 where order_id = :order_id
          - sql: insert into shop.audit (what) values ('took ' || :taken.rows_affected)
        effects: once
      - name: stock
        sql: select reserved from shop.stock where order_id = :order_id
        expect: one
    until: stock.reserved <= 0
    every: 1s
  - loop:
      - sql: insert into shop.audit (what) values ('plain')
      - break
  - signal: stocked
    to: "$$source$ || '{' || $source$noted.id::text}"
    effects: once
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "noted", "role": "sql", "file": "workflows/once.yaml", "line": 6},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/once.yaml", "line": 8},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "start", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "round", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2].loop[0]", "name": null, "role": "transaction", "file": "workflows/once.yaml", "line": 10},
{"path": "steps[2].loop[0].transaction[0]", "name": "taken", "role": "sql", "file": "workflows/once.yaml", "line": 12},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2].loop[1]", "name": "stock", "role": "sql", "file": "workflows/once.yaml", "line": 16},
{"path": "steps[2]", "name": null, "role": "until", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "until", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "break", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "nothing", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "wait", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "ahead", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "wait", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "pace", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "far", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "sleep", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "sleep", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "ahead", "file": "workflows/once.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "nothing", "file": "workflows/once.yaml", "line": 9},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[3]", "name": null, "role": "loop", "file": "workflows/once.yaml", "line": 20},
{"path": "steps[3]", "name": null, "role": "body", "file": "workflows/once.yaml", "line": 20},
{"path": "steps[3].loop[0]", "name": null, "role": "sql", "file": "workflows/once.yaml", "line": 21},
{"path": "steps[3].loop[1]", "name": null, "role": "break", "file": "workflows/once.yaml", "line": 22},
{"path": "steps[4]", "name": null, "role": "send", "file": "workflows/once.yaml", "line": 23},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
