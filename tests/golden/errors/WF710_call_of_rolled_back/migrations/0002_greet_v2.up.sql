-- written by perdure: greet, version 2, for target perdure
-- Compiled from workflows/greet.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: e0665a5519d80759d784c81da524962ff05ed3214fbe3c2fcb49b4b6911bab5f

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.greet_v2()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      -- steps[0]
      df.sql($sql$insert into shop.audit (what) values ('good day')$sql$),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'greet@2'
  );
end
$workflow$;

comment on function workflows.greet_v2() is 'greet, version 2';

create or replace function workflows.greet()
returns text
language sql
volatile
as $current$
  select workflows.greet_v2()
$current$;

comment on function workflows.greet() is 'Starts a run of greet, version 2';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'greet',
  2,
  'e0665a5519d80759d784c81da524962ff05ed3214fbe3c2fcb49b4b6911bab5f',
  '',
  $source$workflow: greet
steps:
  - sql: insert into shop.audit (what) values ('good day')
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/greet.yaml", "line": 3},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
