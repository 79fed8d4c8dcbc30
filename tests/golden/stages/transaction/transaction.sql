-- written by perdure: transaction, version 1, for target perdure
-- Compiled from workflows/transaction.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 3a0ca3bd028dabbf382d5567d0a5268299a8102ff27dd8074eb9f14bf1c24684

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.transaction_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of transaction may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0]
      df.retry(
        df.transaction(
          -- steps[0].transaction[0] taken
          df.as(
            df.sql($sql$
              with step as (
                update shop.stock set reserved = 0 where order_id = ($input.order_id)::bigint
                returning 1 as ok
              )
              select count(*) as rows_affected from step
            $sql$),
            'r1_taken'
          ),
          -- steps[0].transaction[1]
          df.sql($sql$
            select perdure.assert(coalesce((($r1_taken.rows_affected)::bigint > 0)::boolean, false), 'nothing was reserved') as ok
          $sql$),
          -- steps[0].transaction[2] entry
          df.as(
            df.sql($sql$
              insert into shop.audit (what) values ('released ' || ($r1_taken.rows_affected)::bigint) returning id
            $sql$),
            'r2_entry'
          )
        ),
        5
      ),
      -- steps[0], scope
      df.try(
        -- steps[1]
        df.sql($sql$
          update shop.orders set status = 'released' where id = ($input.order_id)::bigint
        $sql$),
        df.seq(
          df.try(
            -- steps[0].undo[0]
            df.sql($sql$delete from shop.audit where id = ($r2_entry.id)::bigint$sql$),
            df.seq(
              df.as(
                df.sql($sql$
                  select ($r3_error.node)::text as node, ($r3_error.message)::text as message,
                    ($r3_error.sqlstate)::text as sqlstate, ($r3_error.kind)::text as kind,
                    perdure.both_failed(($r3_error.message)::text, ($r3_error.detail)::text,
                      ($r4_error.message)::text, ($r4_error.sqlstate)::text, 'The undo of step "steps[0]"') as detail
                $sql$),
                'r5_error'
              ),
              df.raise('r5_error')
            ),
            'r4_error'
          ),
          df.raise('r3_error')
        ),
        'r3_error'
      ),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'transaction@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id
    )
  );
end
$workflow$;

comment on function workflows.transaction_v1(bigint) is 'transaction, version 1';

create function workflows.transaction(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.transaction_v1(order_id)
$current$;

comment on function workflows.transaction(bigint) is 'Starts a run of transaction, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'transaction',
  1,
  '3a0ca3bd028dabbf382d5567d0a5268299a8102ff27dd8074eb9f14bf1c24684',
  'order_id bigint',
  $source$workflow: transaction
input: {order_id: bigint}
steps:
  - transaction:
      - name: taken
        sql: update shop.stock set reserved = 0 where order_id = :order_id
      - assert: taken.rows_affected > 0
        message: nothing was reserved
      - name: entry
        sql: insert into shop.audit (what) values ('released ' || :taken.rows_affected) returning id
    retry: 5
    undo:
      - sql: delete from shop.audit where id = :entry.id
  - sql: update shop.orders set status = 'released' where id = :order_id
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "retry", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "transaction", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0].transaction[0]", "name": "taken", "role": "sql", "file": "workflows/transaction.yaml", "line": 6},
{"path": "steps[0].transaction[1]", "name": null, "role": "assert", "file": "workflows/transaction.yaml", "line": 7},
{"path": "steps[0].transaction[2]", "name": "entry", "role": "sql", "file": "workflows/transaction.yaml", "line": 10},
{"path": "steps[0]", "name": null, "role": "scope", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/transaction.yaml", "line": 14},
{"path": "steps[0]", "name": null, "role": "undo", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "undo", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0].undo[0]", "name": null, "role": "sql", "file": "workflows/transaction.yaml", "line": 13},
{"path": "steps[0]", "name": null, "role": "undo", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "undo", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "undo", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps[0]", "name": null, "role": "again", "file": "workflows/transaction.yaml", "line": 4},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
