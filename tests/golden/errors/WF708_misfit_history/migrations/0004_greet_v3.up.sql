-- written by perdure: greet, version 3, for target perdure
-- Compiled from workflows/greet.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: cbb44985d121acc9e056e14b04aebdcdc831626ddaacc29707ec2ea2757485cf

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.greet_v3()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      -- steps[0]
      df.sql($sql$insert into shop.audit (what) values ('good evening')$sql$),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'greet@3'
  );
end
$workflow$;

comment on function workflows.greet_v3() is 'greet, version 3';

create or replace function workflows.greet()
returns text
language sql
volatile
as $current$
  select workflows.greet_v3()
$current$;

comment on function workflows.greet() is 'Starts a run of greet, version 3';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'greet',
  3,
  'cbb44985d121acc9e056e14b04aebdcdc831626ddaacc29707ec2ea2757485cf',
  '',
  $source$workflow: greet
steps:
  - sql: insert into shop.audit (what) values ('good evening')
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/greet.yaml", "line": 3},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
