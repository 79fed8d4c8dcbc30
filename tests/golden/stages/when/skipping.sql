-- written by perdure: skipping, version 1, for target perdure
-- Compiled from workflows/skipping.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 3bd66bffcb1784de72e46cd43c41ebac1336393b7ae4cd364a205d8ce48d90bd

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.skipping_v1(n bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if n is null then
    raise null_value_not_allowed using
      message = 'input n of skipping may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0] big
      df.if(
        $sql$select coalesce((($input.n)::bigint > 10)::boolean, false) as ok$sql$,
        df.seq(
          df.timeout(
            df.as(
              df.sql($sql$
                with step as (
                  select ($input.n)::bigint * 2 as twice, array[($input.n)::bigint] as list
                )
                select twice, list::text as list
                from step
              $sql$),
              'r2_big'
            ),
            interval '5 seconds'
          ),
          df.as(df.sql($sql$select true as ok$sql$), 'r1_ran')
        ),
        df.seq(
          df.as(
            df.sql($sql$select null::bigint as twice, null::text as list$sql$),
            'r2_big'
          ),
          df.as(df.sql($sql$select false as ok$sql$), 'r1_ran')
        )
      ),
      -- steps[0] big, scope
      df.try(
        df.seq(
          -- steps[1]
          df.if(
            $sql$
              select coalesce((($r2_big.twice?)::bigint is not null)::boolean, false) as ok
            $sql$,
            df.as(
              df.sql($sql$select (($input.n)::bigint / 2)::bigint as value$sql$),
              'r3_half'
            ),
            df.as(df.sql($sql$select null::bigint as value$sql$), 'r3_half')
          ),
          -- steps[2]
          df.if(
            $sql$
              select coalesce((($input.n)::bigint > 5)::boolean, false) as ok
            $sql$,
            df.join(
              -- steps[2].parallel.a[0] rows
              df.as(
                df.sql($sql$
                  with step as (
                    select id from shop.orders
                  )
                  select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items
                  from (select id from step) as s
                $sql$),
                'r4_rows'
              ),
              -- steps[2].parallel.b[0]
              df.sleep(1)
            ),
            df.as(df.sql($sql$select '[]'::text as items$sql$), 'r4_rows')
          ),
          -- steps[3] count
          df.as(
            df.sql($sql$
              select count(*) as n from (select t.id from jsonb_to_recordset(($r4_rows.items?)::jsonb) as t(id bigint)) as rows
            $sql$),
            'r5_count'
          ),
          -- steps[4]
          df.if(
            $sql$
              select coalesce((($input.n)::bigint = 0)::boolean, false) as ok
            $sql$,
            df.return($sql$select to_jsonb(('nothing')::text) as result$sql$)
          ),
          -- steps[5]
          df.return($sql$
            select jsonb_build_object('twice', ($r2_big.twice?)::bigint, 'list', ($r2_big.list?)::bigint[], 'half', ($r3_half.value?)::bigint, 'n', ($r5_count.n)::bigint) as result
          $sql$)
        ),
        df.seq(
          df.if(
            $sql$select coalesce(($r1_ran.ok?)::boolean, false) as ok$sql$,
            df.try(
              -- steps[0].undo[0]
              df.sql($sql$
                insert into shop.audit (what) values ('undone ' || ($r2_big.twice)::bigint)
              $sql$),
              df.seq(
                df.as(
                  df.sql($sql$
                    select ($r6_error.node)::text as node, ($r6_error.message)::text as message,
                      ($r6_error.sqlstate)::text as sqlstate, ($r6_error.kind)::text as kind,
                      perdure.both_failed(($r6_error.message)::text, ($r6_error.detail)::text,
                        ($r7_error.message)::text, ($r7_error.sqlstate)::text, 'The undo of step "big"') as detail
                  $sql$),
                  'r8_error'
                ),
                df.raise('r8_error')
              ),
              'r7_error'
            )
          ),
          df.raise('r6_error')
        ),
        'r6_error'
      )
    ),
    'skipping@1',
    input => pg_catalog.jsonb_build_object(
      'n', n
    )
  );
end
$workflow$;

comment on function workflows.skipping_v1(bigint) is 'skipping, version 1';

create function workflows.skipping(n bigint)
returns text
language sql
volatile
as $current$
  select workflows.skipping_v1(n)
$current$;

comment on function workflows.skipping(bigint) is 'Starts a run of skipping, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'skipping',
  1,
  '3bd66bffcb1784de72e46cd43c41ebac1336393b7ae4cd364a205d8ce48d90bd',
  'n bigint',
  $source$workflow: skipping
input: {n: bigint}
steps:
  - name: big
    when: n > 10
    timeout: 5s
    sql: select :n * 2 as twice, array[:n] as list
    undo:
      - sql: insert into shop.audit (what) values ('undone ' || :big.twice)
  - let: {half: n / 2}
    when: big.twice is not null
  - parallel:
      a:
        - {name: rows, sql: select id from shop.orders}
      b:
        - sleep: 1s
    when: n > 5
  - name: count
    sql: select count(*) as n from :rows.*
  - return: nothing
    when: n = 0
  - return: {twice: "$$source$ || '{' || $source$big.twice}", list: "$$source$ || '{' || $source$big.list}", half: "$$source$ || '{' || $source$half}", n: "$$source$ || '{' || $source$count.n}"}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "big", "role": "if", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "when", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "then", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "timeout", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "sql", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "ran", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "skipped", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "skipped", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "ran", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "scope", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "scope", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[1]", "name": null, "role": "if", "file": "workflows/skipping.yaml", "line": 10},
{"path": "steps[1]", "name": null, "role": "when", "file": "workflows/skipping.yaml", "line": 10},
{"path": "steps[1]", "name": null, "role": "value", "file": "workflows/skipping.yaml", "line": 10},
{"path": "steps[1]", "name": null, "role": "skipped", "file": "workflows/skipping.yaml", "line": 10},
{"path": "steps[2]", "name": null, "role": "if", "file": "workflows/skipping.yaml", "line": 12},
{"path": "steps[2]", "name": null, "role": "when", "file": "workflows/skipping.yaml", "line": 12},
{"path": "steps[2]", "name": null, "role": "parallel", "file": "workflows/skipping.yaml", "line": 12},
{"path": "steps[2].parallel.a[0]", "name": "rows", "role": "sql", "file": "workflows/skipping.yaml", "line": 14},
{"path": "steps[2].parallel.b[0]", "name": null, "role": "sleep", "file": "workflows/skipping.yaml", "line": 16},
{"path": "steps[2]", "name": null, "role": "skipped", "file": "workflows/skipping.yaml", "line": 12},
{"path": "steps[3]", "name": "count", "role": "sql", "file": "workflows/skipping.yaml", "line": 19},
{"path": "steps[4]", "name": null, "role": "if", "file": "workflows/skipping.yaml", "line": 20},
{"path": "steps[4]", "name": null, "role": "when", "file": "workflows/skipping.yaml", "line": 20},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/skipping.yaml", "line": 20},
{"path": "steps[5]", "name": null, "role": "return", "file": "workflows/skipping.yaml", "line": 22},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "ran", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0].undo[0]", "name": null, "role": "sql", "file": "workflows/skipping.yaml", "line": 9},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "undo", "file": "workflows/skipping.yaml", "line": 7},
{"path": "steps[0]", "name": "big", "role": "again", "file": "workflows/skipping.yaml", "line": 7}
]$map$,
  '0.1.0',
  'perdure'
);
