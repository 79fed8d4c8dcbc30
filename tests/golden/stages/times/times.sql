-- written by perdure: times, version 1, for target perdure
-- Compiled from workflows/times.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 149f8c1ecaa2c8566d704b03a3d463a0deb5d0ef52cec0cdd6ec9364effc1743

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.times_v1(at timestamp with time zone, hours bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if at is null or hours is null then
    raise null_value_not_allowed using
      message = 'an input of times that may not be null is: at, hours';
  end if;
  return df.start(
    df.seq(
      -- steps[0]
      df.sleep_until($sql$
        select (($input.at)::timestamp with time zone + cast('1 day' as interval))::timestamp with time zone as at
      $sql$),
      -- steps[1]
      df.sleep_for($sql$
        select (($input.hours)::bigint * cast('1 hour' as interval))::interval as duration
      $sql$),
      -- steps[2]
      df.wait_for_schedule('0 9 1-7 1,7 *'),
      -- steps[3]
      df.wait_for_schedule('30 17 * * MON,TUE,WED,THU,FRI', 'Europe/Berlin'),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'times@1',
    input => pg_catalog.jsonb_build_object(
      'at', at,
      'hours', hours
    )
  );
end
$workflow$;

comment on function workflows.times_v1(timestamp with time zone, bigint) is 'times, version 1';

create function workflows.times(at timestamp with time zone, hours bigint)
returns text
language sql
volatile
as $current$
  select workflows.times_v1(at, hours)
$current$;

comment on function workflows.times(timestamp with time zone, bigint) is 'Starts a run of times, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'times',
  1,
  '149f8c1ecaa2c8566d704b03a3d463a0deb5d0ef52cec0cdd6ec9364effc1743',
  'at timestamp with time zone, hours bigint',
  $source$workflow: times
input: {at: timestamptz, hours: bigint}
steps:
  - sleep_until: at + interval '1 day'
  - sleep: hours * interval '1 hour'
  - wait_for_schedule: 0 9 1-7 JAN,7 *
  - wait_for_schedule: 30 17 * * 1-5
    timezone: Europe/Berlin
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": null, "role": "sleep_until", "file": "workflows/times.yaml", "line": 4},
{"path": "steps[1]", "name": null, "role": "sleep", "file": "workflows/times.yaml", "line": 5},
{"path": "steps[2]", "name": null, "role": "schedule", "file": "workflows/times.yaml", "line": 6},
{"path": "steps[3]", "name": null, "role": "schedule", "file": "workflows/times.yaml", "line": 7},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
