-- written by perdure: keyed, version 1, for target perdure
-- Compiled from workflows/keyed.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 6b779589aeab9fdb2f4b05fbeb5bdea179c2a8b232cf7ac0c8f3f009fcf0ad4c

set local lock_timeout = '5s';

set local statement_timeout = '60s';

do $place$
begin
  if current_database() <> 'shop' then
    raise exception 'workflow keyed is for database "shop", this is %', current_database()
      using errcode = 'object_not_in_prerequisite_state',
        hint = 'The steps of a workflow run in the database in which it is installed.';
  end if;
end
$place$;

create schema if not exists workflows;

create function workflows.keyed_v1(
  order_id bigint default cast(1 as bigint),
  email text default cast(null as text)
)
returns text
language plpgsql
volatile
security definer
set search_path = "shop", "public"
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of keyed may not be null';
  end if;
  return df.start(
    df.seq(
      -- on_failure
      df.try(
        -- steps
        df.timeout(
          df.seq(
            -- steps[0]
            df.sql($sql$
              update shop.orders set status = 'billed' where id = ($input.order_id)::bigint
            $sql$),
            -- steps[1]
            df.sql($sql$
              insert into shop.audit (what) values ('billed for ' || coalesce(($input.email)::text, '?'))
            $sql$)
          ),
          interval '2 hours'
        ),
        df.seq(
          df.try(
            -- on_failure[0]
            df.sql($sql$
              insert into shop.audit (what) values ('not billed, ' || ($r1_err.message)::text)
            $sql$),
            df.seq(
              df.as(
                df.sql($sql$
                  select ($r1_err.node)::text as node, ($r1_err.message)::text as message,
                    ($r1_err.sqlstate)::text as sqlstate, ($r1_err.kind)::text as kind,
                    perdure.both_failed(($r1_err.message)::text, ($r1_err.detail)::text,
                      ($r2_error.message)::text, ($r2_error.sqlstate)::text, 'on_failure') as detail
                $sql$),
                'r3_error'
              ),
              df.raise('r3_error')
            ),
            'r2_error'
          ),
          df.raise('r1_err')
        ),
        'r1_err'
      ),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'keyed@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id,
      'email', email
    ),
    key => 'keyed/' operator(pg_catalog.||) ((order_id)::bigint)::text,
    concurrency_key => 'keyed/' operator(pg_catalog.||) ((email)::text)::text,
    concurrency_limit => case when 'keyed/' operator(pg_catalog.||) ((email)::text)::text is not null then 2 end
  );
end
$workflow$;

comment on function workflows.keyed_v1(bigint, text) is 'keyed, version 1';

revoke all on function workflows.keyed_v1(bigint, text) from public;

alter function workflows.keyed_v1(bigint, text) owner to clerk;

create function workflows.keyed(
  order_id bigint default cast(1 as bigint),
  email text default cast(null as text)
)
returns text
language sql
volatile
security definer
set search_path = pg_catalog
as $current$
  select workflows.keyed_v1(order_id, email)
$current$;

revoke all on function workflows.keyed(bigint, text) from public;

alter function workflows.keyed(bigint, text) owner to clerk;

comment on function workflows.keyed(bigint, text) is 'Starts a run of keyed, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'keyed',
  1,
  '6b779589aeab9fdb2f4b05fbeb5bdea179c2a8b232cf7ac0c8f3f009fcf0ad4c',
  'order_id bigint default cast(1 as bigint), email text default cast(null as text)',
  $source$workflow: keyed
input: {order_id: bigint = 1, email: text?}
timeout: 2h
idempotency_key: order_id
concurrency: {limit: 2, key: email}
role: clerk
database: shop
search_path: [shop, public]
on_failure:
  - sql: insert into shop.audit (what) values ('not billed, ' || :err.message)
steps:
  - sql: update shop.orders set status = 'billed' where id = :order_id
  - sql: insert into shop.audit (what) values ('billed for ' || coalesce(:email, '?'))
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "on_failure", "name": null, "role": "try", "file": "workflows/keyed.yaml", "line": 10},
{"path": "steps", "name": null, "role": "timeout", "file": "workflows/keyed.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timed", "file": "workflows/keyed.yaml", "line": 3},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/keyed.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/keyed.yaml", "line": 13},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure", "name": null, "role": "steps", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure[0]", "name": null, "role": "sql", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed.yaml", "line": 10},
{"path": "on_failure", "name": null, "role": "fail", "file": "workflows/keyed.yaml", "line": 10},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
