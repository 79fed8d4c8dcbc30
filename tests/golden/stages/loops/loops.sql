-- written by perdure: loops, version 1, for target perdure
-- Compiled from workflows/loops.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 23d8f79c64ed718e635a18683d9dfd7a9af942a43a1d8e1aef4f769b09cbb792

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.loops_v1("limit" integer default 3)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if "limit" is null then
    raise null_value_not_allowed using
      message = 'input limit of loops may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0]
      df.as(df.sql($sql$select 0::integer as value$sql$), 'r1_done'),
      -- steps[1]
      df.repeat(
        df.seq(
          -- steps[1].loop[0] left
          df.as(
            df.sql($sql$select count(*) as n from shop.orders where status = 'new'$sql$),
            'r2_left'
          ),
          -- steps[1].loop[1]
          df.if(
            $sql$
              select coalesce((($r2_left.n)::bigint = 0)::boolean, false) as ok
            $sql$,
            -- steps[1].loop[1].then[0]
            df.break()
          ),
          -- steps[1].loop[2]
          df.if(
            $sql$
              select coalesce((($r2_left.n)::bigint < 10)::boolean, false) as ok
            $sql$,
            df.seq(
              -- steps[1].loop[2].then[0]
              df.sleep(1),
              -- steps[1].loop[2].then[1]
              df.continue()
            )
          ),
          -- steps[1].loop[3]
          df.sql($sql$
            update shop.orders set status = 'old' where id = (select min(id) from shop.orders where status = 'new')
          $sql$),
          -- steps[1].loop[4]
          df.as(
            df.sql($sql$select (($r1_done.value)::integer + 1)::integer as value$sql$),
            'r1_done'
          )
        ),
        while_condition => $sql$
          select coalesce((($r1_done.value)::integer < ($input.limit)::integer)::boolean, false) as ok
        $sql$,
        every => interval '5 minutes'
      ),
      -- steps[2]
      df.repeat(
        df.seq(
          -- steps[2].loop[0]
          df.sleep_for($sql$select interval '250 milliseconds' as duration$sql$),
          -- steps[2].loop[1]
          df.as(
            df.sql($sql$select (($r1_done.value)::integer - 1)::integer as value$sql$),
            'r1_done'
          )
        ),
        until_condition => $sql$
          select coalesce((($r1_done.value)::integer <= 0)::boolean, false) as ok
        $sql$
      ),
      -- steps[3]
      df.sleep_for($sql$
        select (cast('1 second' as interval) * ($input.limit)::integer)::interval as duration
      $sql$),
      -- steps[4]
      df.sql($sql$select to_jsonb(($r1_done.value)::integer) as result$sql$)
    ),
    'loops@1',
    input => pg_catalog.jsonb_build_object(
      'limit', "limit"
    )
  );
end
$workflow$;

comment on function workflows.loops_v1(integer) is 'loops, version 1';

create function workflows.loops("limit" integer default 3)
returns text
language sql
volatile
as $current$
  select workflows.loops_v1("limit")
$current$;

comment on function workflows.loops(integer) is 'Starts a run of loops, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'loops',
  1,
  '23d8f79c64ed718e635a18683d9dfd7a9af942a43a1d8e1aef4f769b09cbb792',
  '"limit" integer default 3',
  $source$workflow: loops
input: {limit: integer = 3}
steps:
  - let: {done: 0}
  - loop:
      - name: left
        sql: select count(*) as n from shop.orders where status = 'new'
      - if: left.n = 0
        then: [break]
      - if: left.n < 10
        then:
          - sleep: 1s
          - continue
      - sql: update shop.orders set status = 'old' where id = (select min(id) from shop.orders where status = 'new')
      - let: {done: done + 1}
    while: done < limit
    every: 5m
  - loop:
      - sleep: 250ms
      - let: {done: done - 1}
    until: done <= 0
  - sleep: interval '1 second' * limit
  - return: "$$source$ || '{' || $source$done}"
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "value", "file": "workflows/loops.yaml", "line": 4},
{"path": "steps[1]", "name": null, "role": "loop", "file": "workflows/loops.yaml", "line": 5},
{"path": "steps[1]", "name": null, "role": "body", "file": "workflows/loops.yaml", "line": 5},
{"path": "steps[1].loop[0]", "name": "left", "role": "sql", "file": "workflows/loops.yaml", "line": 7},
{"path": "steps[1].loop[1]", "name": null, "role": "if", "file": "workflows/loops.yaml", "line": 8},
{"path": "steps[1].loop[1]", "name": null, "role": "condition", "file": "workflows/loops.yaml", "line": 8},
{"path": "steps[1].loop[1].then[0]", "name": null, "role": "break", "file": "workflows/loops.yaml", "line": 9},
{"path": "steps[1].loop[2]", "name": null, "role": "if", "file": "workflows/loops.yaml", "line": 10},
{"path": "steps[1].loop[2]", "name": null, "role": "condition", "file": "workflows/loops.yaml", "line": 10},
{"path": "steps[1].loop[2]", "name": null, "role": "then", "file": "workflows/loops.yaml", "line": 10},
{"path": "steps[1].loop[2].then[0]", "name": null, "role": "sleep", "file": "workflows/loops.yaml", "line": 12},
{"path": "steps[1].loop[2].then[1]", "name": null, "role": "continue", "file": "workflows/loops.yaml", "line": 13},
{"path": "steps[1].loop[3]", "name": null, "role": "sql", "file": "workflows/loops.yaml", "line": 14},
{"path": "steps[1].loop[4]", "name": null, "role": "value", "file": "workflows/loops.yaml", "line": 15},
{"path": "steps[1]", "name": null, "role": "while", "file": "workflows/loops.yaml", "line": 5},
{"path": "steps[2]", "name": null, "role": "loop", "file": "workflows/loops.yaml", "line": 18},
{"path": "steps[2]", "name": null, "role": "body", "file": "workflows/loops.yaml", "line": 18},
{"path": "steps[2].loop[0]", "name": null, "role": "sleep", "file": "workflows/loops.yaml", "line": 19},
{"path": "steps[2].loop[1]", "name": null, "role": "value", "file": "workflows/loops.yaml", "line": 20},
{"path": "steps[2]", "name": null, "role": "until", "file": "workflows/loops.yaml", "line": 18},
{"path": "steps[3]", "name": null, "role": "sleep", "file": "workflows/loops.yaml", "line": 22},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/loops.yaml", "line": 23}
]$map$,
  '0.1.0',
  'perdure'
);
