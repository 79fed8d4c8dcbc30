-- written by perdure: nightly_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/nightly_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 3292afd4f535825591fb791e495c7d4bfa61ec3f89977ffa18a7ce07e2271dc7

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.nightly_there_v1()
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
    'nightly_there@1'
  );
end
$workflow$;

comment on function workflows.nightly_there_v1() is 'nightly_there, version 1';

create function workflows.nightly_there()
returns text
language sql
volatile
as $current$
  select workflows.nightly_there_v1()
$current$;

comment on function workflows.nightly_there() is 'Starts a run of nightly_there, version 1';

create function workflows.nightly_there_v1_schedule()
returns text
language plpgsql
volatile
set search_path = pg_catalog
as $workflow$
begin
  return df.start(
    df.seq(
      df.loop(
        df.seq(
          df.seq(
            df.as(
              df.sql($sql$
                select perdure.next_time('30 2 * * MON,TUE,WED,THU,FRI', clock_timestamp(), 'Europe/Berlin') as at
              $sql$),
              'next'
            ),
            df.loop(
              df.if(
                $sql$
                  select ($next.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                $sql$,
                df.sleep(60),
                df.sleep(1)
              ),
              $sql$
                select ($next.at)::timestamptz - clock_timestamp() > interval '0' as ok
              $sql$
            )
          ),
          df.sql($sql$
            select perdure.tick('{sys_instance_id}', 'select workflows.nightly_there_v1()', true) as run_id
          $sql$)
        ),
        $sql$select perdure.goes_on('{sys_instance_id}') as ok$sql$
      ),
      df.sql($sql$select workflows.nightly_there_v1_schedule() as successor$sql$)
    ),
    'nightly_there@1 schedule'
  );
end
$workflow$;

comment on function workflows.nightly_there_v1_schedule() is 'Starts what starts nightly_there, version 1, by schedule';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'nightly_there',
  1,
  '3292afd4f535825591fb791e495c7d4bfa61ec3f89977ffa18a7ce07e2271dc7',
  '',
  $source$workflow: nightly_there
schedule: 30 2 * * 1-5
timezone: Europe/Berlin
overlap: skip
steps:
  - sql: insert into shop.audit (what) select 'orders ' || count(*) from shop.orders
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "sql", "file": "workflows/nightly_there.yaml", "line": 6},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);

select workflows.nightly_there_v1_schedule();
