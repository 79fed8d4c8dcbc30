-- written by perdure: nightly, version 1, for target perdure
-- Compiled from workflows/nightly.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: c51b660fc461dceaa53dff536270406bdaf13004790e443e65d186dad85cfcb9

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.nightly_v1()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      -- steps[0]
      df.sql($sql$
        insert into shop.audit (what) select 'orders ' || count(*) from shop.orders
      $sql$),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'nightly@1'
  );
end
$workflow$;

comment on function workflows.nightly_v1() is 'nightly, version 1';

create function workflows.nightly()
returns text
language sql
volatile
as $current$
  select workflows.nightly_v1()
$current$;

comment on function workflows.nightly() is 'Starts a run of nightly, version 1';

create function workflows.nightly_v1_schedule()
returns text
language plpgsql
volatile
set search_path = pg_catalog
as $workflow$
begin
  return df.start(
    df.repeat(
      df.seq(
        df.wait_for_schedule('30 2 * * MON,TUE,WED,THU,FRI', 'Europe/Berlin'),
        df.try(
          df.as(
            df.sql($sql$
              select case when exists (select from df.instances where id = ($last.run_id?)::text and status in ('pending', 'running', 'paused')) then ($last.run_id?)::text else workflows.nightly_v1() end as run_id
            $sql$),
            'last'
          ),
          df.sql($sql$select 1 as passed_over$sql$)
        )
      )
    ),
    'nightly@1 schedule'
  );
end
$workflow$;

comment on function workflows.nightly_v1_schedule() is 'Starts what starts nightly, version 1, by schedule';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'nightly',
  1,
  'c51b660fc461dceaa53dff536270406bdaf13004790e443e65d186dad85cfcb9',
  '',
  $source$workflow: nightly
schedule: 30 2 * * 1-5
timezone: Europe/Berlin
overlap: skip
steps:
  - sql: insert into shop.audit (what) select 'orders ' || count(*) from shop.orders
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/nightly.yaml", "line": 6},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);

select workflows.nightly_v1_schedule();
