-- written by perdure: try, version 1, for target perdure
-- Compiled from workflows/try.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 729093cd12a559b2860a9df8cdbfcc143306207db5a470e7967675556dea6055

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.try_v1()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      -- steps[0] booking
      df.as(
        df.sql($sql$insert into shop.audit (what) values ('booked') returning id$sql$),
        'r1_booking'
      ),
      -- steps[0] booking, scope
      df.try(
        df.seq(
          -- steps[1]
          df.try(
            df.seq(
              -- steps[1].try[0] hook, request
              df.as(
                df.sql($sql$
                  select 'https://hooks.example.com/bookings/' || perdure.url_encode((($r1_booking.id)::bigint)::text) as url
                $sql$),
                'r2_request'
              ),
              -- steps[1].try[0] hook
              df.http('$r2_request.url', 'POST'),
              -- steps[1].try[1]
              df.try(
                -- steps[1].try[1].try[0]
                df.sql($sql$insert into shop.audit (what) values ('sent')$sql$),
                -- steps[1].try[1].finally[0]
                finally => df.sql($sql$insert into shop.audit (what) values ('tried')$sql$)
              )
            ),
            df.seq(
              -- steps[1].do[0]
              df.if(
                $sql$
                  select coalesce((($r3_err.detail)::text = '')::boolean, false) as ok
                $sql$,
                df.raise('r3_err')
              ),
              -- steps[1].do[1]
              df.if(
                $sql$
                  select coalesce(($r3_err.sqlstate)::text = 'PD021'::text, false) as ok
                $sql$,
                -- steps[1].do[1].cases[0][0]
                df.sql($sql$
                  select perdure.fail((array['steps[1]', 'hook', 'hook', 'steps[1].try[1]', 'steps[1].try[1].try[0]', 'steps[1].try[1].finally[0]'])[($r3_err.node)::integer - 5]::text || ' failed, ' || ($r3_err.detail)::text)
                $sql$),
                -- steps[1].do[1].default[0]
                df.raise('r3_err')
              )
            ),
            'r3_err'
          ),
          -- steps[2]
          df.timeout(
            df.retry(
              df.seq(
                -- steps[2].do[0]
                df.sql($sql$insert into shop.audit (what) values ('a')$sql$),
                -- steps[2].do[1]
                df.sql($sql$insert into shop.audit (what) values ('b')$sql$)
              ),
              5,
              backoff => '100 milliseconds'
            ),
            interval '1 minute'
          )
        ),
        df.seq(
          df.try(
            -- steps[0].undo[0]
            df.sql($sql$delete from shop.audit where id = ($r1_booking.id)::bigint$sql$),
            df.seq(
              df.as(
                df.sql($sql$
                  select ($r4_error.node)::text as node, ($r4_error.message)::text as message,
                    ($r4_error.sqlstate)::text as sqlstate, ($r4_error.kind)::text as kind,
                    perdure.both_failed(($r4_error.message)::text, ($r4_error.detail)::text,
                      ($r5_error.message)::text, ($r5_error.sqlstate)::text, 'The undo of step "booking"') as detail
                $sql$),
                'r6_error'
              ),
              df.raise('r6_error')
            ),
            'r5_error'
          ),
          df.raise('r4_error')
        ),
        'r4_error'
      ),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'try@1'
  );
end
$workflow$;

comment on function workflows.try_v1() is 'try, version 1';

create function workflows.try()
returns text
language sql
volatile
as $current$
  select workflows.try_v1()
$current$;

comment on function workflows.try() is 'Starts a run of try, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'try',
  1,
  '729093cd12a559b2860a9df8cdbfcc143306207db5a470e7967675556dea6055',
  '',
  $source$workflow: try
steps:
  - name: booking
    sql: insert into shop.audit (what) values ('booked') returning id
    undo:
      - sql: delete from shop.audit where id = :booking.id
  - try:
      - name: hook
        http: POST https://hooks.example.com/bookings/$$source$ || '{' || $source$booking.id}
      - try:
          - sql: insert into shop.audit (what) values ('sent')
        finally:
          - sql: insert into shop.audit (what) values ('tried')
    catch: err
    do:
      - when: err.detail = ''
        fail:
      - switch: err.sqlstate
        cases:
          PD021: [{fail: "$$source$ || '{' || $source$err.step} failed, $$source$ || '{' || $source$err.detail}"}]
        default: [fail]
  - do:
      - sql: insert into shop.audit (what) values ('a')
      - sql: insert into shop.audit (what) values ('b')
    retry: {max_attempts: 5, backoff: 100ms}
    timeout: 1m
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "booking", "role": "sql", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "scope", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "scope", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/try.yaml", "line": 7},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/try.yaml", "line": 7},
{"path": "steps[1].try[0]", "name": "hook", "role": "request", "file": "workflows/try.yaml", "line": 9},
{"path": "steps[1].try[0]", "name": "hook", "role": "http", "file": "workflows/try.yaml", "line": 9},
{"path": "steps[1].try[1]", "name": null, "role": "try", "file": "workflows/try.yaml", "line": 10},
{"path": "steps[1].try[1].try[0]", "name": null, "role": "sql", "file": "workflows/try.yaml", "line": 11},
{"path": "steps[1].try[1].finally[0]", "name": null, "role": "sql", "file": "workflows/try.yaml", "line": 13},
{"path": "steps[1]", "name": null, "role": "catch", "file": "workflows/try.yaml", "line": 7},
{"path": "steps[1].do[0]", "name": null, "role": "if", "file": "workflows/try.yaml", "line": 17},
{"path": "steps[1].do[0]", "name": null, "role": "when", "file": "workflows/try.yaml", "line": 17},
{"path": "steps[1].do[0]", "name": null, "role": "fail", "file": "workflows/try.yaml", "line": 17},
{"path": "steps[1].do[1]", "name": null, "role": "case", "file": "workflows/try.yaml", "line": 18},
{"path": "steps[1].do[1]", "name": null, "role": "case", "file": "workflows/try.yaml", "line": 18},
{"path": "steps[1].do[1].cases[0][0]", "name": null, "role": "fail", "file": "workflows/try.yaml", "line": 20},
{"path": "steps[1].do[1].default[0]", "name": null, "role": "fail", "file": "workflows/try.yaml", "line": 21},
{"path": "steps[2]", "name": null, "role": "timeout", "file": "workflows/try.yaml", "line": 22},
{"path": "steps[2]", "name": null, "role": "retry", "file": "workflows/try.yaml", "line": 22},
{"path": "steps[2]", "name": null, "role": "do", "file": "workflows/try.yaml", "line": 22},
{"path": "steps[2].do[0]", "name": null, "role": "sql", "file": "workflows/try.yaml", "line": 23},
{"path": "steps[2].do[1]", "name": null, "role": "sql", "file": "workflows/try.yaml", "line": 24},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0].undo[0]", "name": null, "role": "sql", "file": "workflows/try.yaml", "line": 6},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/try.yaml", "line": 4},
{"path": "steps[0]", "name": "booking", "role": "again", "file": "workflows/try.yaml", "line": 4},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
