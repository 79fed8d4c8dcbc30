-- written by perdure: keyed_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/keyed_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 4b117bb40bb5f46d68bf41dff436a060a82f7e6f347c0902ff5ef181c3cecd39

set local lock_timeout = '5s';

set local statement_timeout = '60s';

do $place$
begin
  if current_database() <> 'shop' then
    raise exception 'workflow keyed_there is for database "shop", this is %', current_database()
      using errcode = 'object_not_in_prerequisite_state',
        hint = 'The steps of a workflow run in the database in which it is installed.';
  end if;
end
$place$;

create schema if not exists workflows;

create function workflows.keyed_there_v1(
  order_id bigint default cast(1 as bigint),
  email text default cast(null as text)
)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
declare
  v_order_id constant text := perdure.literal(order_id::text);
  v_email constant text := perdure.literal(email::text);
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of keyed_there may not be null';
  end if;
  return coalesce(
    perdure.run_of('keyed_there', ((order_id)::bigint)::text),
    perdure.keep_run(
      'keyed_there',
      ((order_id)::bigint)::text,
      df.start(
        df.seq(
          df.seq(
            df.seq(
              df.loop(
                df.if(
                  $sql$
                    select not perdure.take_turn('{sys_instance_id}', 'keyed_there/' || (($sql$ || v_email || $sql$)::text)::text, 2) as ok
                  $sql$,
                  df.sleep(1),
                  df.break()
                )
              ),
              df.race(
                df.seq(
                  df.seq(
                    -- steps[0]
                    df.sql($sql$
                      select a.ok
                      from perdure.attempt('{sys_instance_id}', '1.1', array['steps[0]'],
                        array['update shop.orders set status = ''billed'' where id = (($1)[1])::bigint'], array[null]::text[],
                        array[($sql$ || v_order_id || $sql$)::text]::text[], array[]::integer[]) as a
                    $sql$),
                    -- steps[1]
                    df.sql($sql$
                      select a.ok
                      from perdure.attempt('{sys_instance_id}', '1.1', array['steps[1]'],
                        array['insert into shop.audit (what) values (''billed for '' || coalesce((($1)[1])::text, ''?''))'], array[null]::text[],
                        array[($sql$ || v_email || $sql$)::text]::text[], array[]::integer[]) as a
                    $sql$)
                  ),
                  df.as(df.sql($sql$select 1 as branch$sql$), 'w1_won')
                ),
                df.seq(
                  df.seq(
                    df.sleep(7200),
                    df.sql($sql$
                      select a.ok
                      from perdure.attempt('{sys_instance_id}', '1.2', array['steps'],
                        array['select perdure.time_out(''02:00:00'') as ok'], array[null]::text[],
                        array[]::text[], array[]::integer[]) as a
                    $sql$)
                  ),
                  df.as(df.sql($sql$select 2 as branch$sql$), 'w1_won')
                )
              )
            ),
            df.sql($sql$
              select perdure.pass_on('{sys_instance_id}', '1', array['1.' || ($w1_won.branch?)::text]) as ok
            $sql$)
          ),
          df.seq(
            -- on_failure
            df.if(
              $sql$select perdure.is_fine('{sys_instance_id}', '1') as ok$sql$,
              df.sql($sql$select 1 as nothing$sql$),
              df.seq(
                df.seq(
                  df.as(
                    df.sql($sql$
                      select f.step, f.message, f.sqlstate, f.detail
                      from perdure.failure('{sys_instance_id}', '1') as f
                    $sql$),
                    'r1_err'
                  ),
                  -- on_failure[0]
                  df.sql($sql$
                    select a.ok
                    from perdure.attempt('{sys_instance_id}', '2', array['on_failure[0]'],
                      array['insert into shop.audit (what) values (''not billed, '' || (($1)[1])::text)'], array[null]::text[],
                      array[($r1_err.message?)::text]::text[], array[1]::integer[]) as a
                  $sql$)
                ),
                df.seq(
                  df.if(
                    $sql$
                      select perdure.is_fine('{sys_instance_id}', '2') as ok
                    $sql$,
                    df.sql($sql$select 1 as nothing$sql$),
                    df.seq(
                      df.sql($sql$
                        select perdure.note_second('{sys_instance_id}', '1', '2', 'on_failure') as ok
                      $sql$),
                      df.sql($sql$
                        select perdure.raise_failure('{sys_instance_id}', array['1']) as ok
                      $sql$)
                    )
                  ),
                  df.sql($sql$
                    select perdure.raise_failure('{sys_instance_id}', array['1']) as ok
                  $sql$)
                )
              )
            ),
            df.sql($sql$select null::jsonb as result$sql$)
          )
        ),
        'keyed_there@1'
      )
    )
  );
end
$workflow$;

comment on function workflows.keyed_there_v1(bigint, text) is 'keyed_there, version 1';

create function workflows.keyed_there(
  order_id bigint default cast(1 as bigint),
  email text default cast(null as text)
)
returns text
language sql
volatile
as $current$
  select workflows.keyed_there_v1(order_id, email)
$current$;

comment on function workflows.keyed_there(bigint, text) is 'Starts a run of keyed_there, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'keyed_there',
  1,
  '4b117bb40bb5f46d68bf41dff436a060a82f7e6f347c0902ff5ef181c3cecd39',
  'order_id bigint default cast(1 as bigint), email text default cast(null as text)',
  $source$workflow: keyed_there
input: {order_id: bigint = 1, email: text?}
timeout: 2h
idempotency_key: order_id
concurrency: {limit: 2, key: email}
database: shop
on_failure:
  - sql: insert into shop.audit (what) values ('not billed, ' || :err.message)
steps:
  - sql: update shop.orders set status = 'billed' where id = :order_id
  - sql: insert into shop.audit (what) values ('billed for ' || coalesce(:email, '?'))
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/keyed_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "while", "file": "workflows/keyed_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/keyed_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/keyed_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "break", "file": "workflows/keyed_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "timeout", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timed", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timed", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/keyed_there.yaml", "line": 10},
{"path": "steps[1]", "name": null, "role": "sql", "file": "workflows/keyed_there.yaml", "line": 11},
{"path": "steps", "name": null, "role": "won", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timer", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timer", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timer", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "timeout", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "won", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "failed", "file": "workflows/keyed_there.yaml", "line": 3},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "fine", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "nothing", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "try", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "try", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "error", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure[0]", "name": null, "role": "sql", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "try", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "catch", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "fine", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "nothing", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "steps", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "failed", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "failed", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "on_failure", "name": null, "role": "failed", "file": "workflows/keyed_there.yaml", "line": 8},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
