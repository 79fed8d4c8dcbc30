-- written by perdure: flow, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/flow.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: cf1ce1db729a439989b373d3fa0d86f62054db39d415617212c453fc8e387d72

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.flow_v1(n bigint, word text)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
declare
  v_n constant text := perdure.literal(n::text);
  v_word constant text := perdure.literal(word::text);
begin
  if n is null or word is null then
    raise null_value_not_allowed using
      message = 'an input of flow that may not be null is: n, word';
  end if;
  return df.start(
    df.seq(
      -- steps[0] answer
      df.if(
        $sql$select coalesce((($sql$ || v_n || $sql$)::bigint > 5)::boolean, false) as ok$sql$,
        df.seq(
          df.seq(
            df.seq(
              df.as(
                df.sql($sql$
                  select gen_random_uuid() as token, clock_timestamp() + interval '5 seconds' as settled, clock_timestamp() + interval '3600 seconds' as deadline
                $sql$),
                'w1_wait'
              ),
              df.loop(
                df.if(
                  $sql$
                    select perdure.take_signal('{sys_instance_id}', 'answer', ($w1_wait.token)::uuid) is not null or ($w1_wait.deadline)::timestamptz - clock_timestamp() <= interval '0' as ok
                  $sql$,
                  df.break(),
                  df.if(
                    $sql$
                      select clock_timestamp() > ($w1_wait.settled)::timestamptz and ($w1_wait.deadline)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                    $sql$,
                    df.wait_for_signal('answer', 60),
                    df.wait_for_signal('answer', 1)
                  )
                )
              )
            ),
            df.as(
              df.sql($sql$
                select coalesce(perdure.take_signal('{sys_instance_id}', 'answer', ($w1_wait.token)::uuid), jsonb_build_object('signal_name', 'answer', 'timed_out', true, 'data', null))::text as signal
              $sql$),
              'r1_answer'
            )
          ),
          df.sql($sql$
            select perdure.check_signal(($r1_answer)::jsonb, '{"ok": "boolean"}') as ok
          $sql$)
        ),
        df.as(df.sql($sql$select null::text as nothing$sql$), 'r1_answer')
      ),
      -- steps[1]
      df.if(
        $sql$select coalesce(($sql$ || v_word || $sql$)::text = 'stop'::text, false) as ok$sql$,
        -- steps[1].cases[0][0]
        df.sql($sql$select to_jsonb(('stopped')::text) as result$sql$),
        df.seq(
          df.seq(
            df.if(
              $sql$select coalesce(($sql$ || v_word || $sql$)::text = 'go'::text, false) as ok$sql$,
              df.seq(
                df.seq(
                  -- steps[1].cases[1][0].do[0]
                  df.as(
                    df.sql($sql$
                      select perdure.end_of_wait(d.at) as at
                      from (select (now() + cast('1 hour' as interval))::timestamp with time zone as at) as d
                    $sql$),
                    'w2_until'
                  ),
                  -- steps[1].cases[1][0].do[0]
                  df.if(
                    $sql$
                      select ($w2_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                    $sql$,
                    df.loop(
                      df.if(
                        $sql$
                          select ($w2_until.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                        $sql$,
                        df.sleep(60),
                        df.sleep(1)
                      ),
                      $sql$
                        select ($w2_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                      $sql$
                    ),
                    df.sql($sql$select 1 as nothing$sql$)
                  )
                ),
                df.seq(
                  -- steps[1].cases[1][0].do[1]
                  df.as(
                    df.sql($sql$
                      select perdure.end_of_sleep(d.duration) as at
                      from (select (($sql$ || v_n || $sql$)::bigint * cast('1 minute' as interval))::interval as duration) as d
                    $sql$),
                    'w3_until'
                  ),
                  -- steps[1].cases[1][0].do[1]
                  df.if(
                    $sql$
                      select ($w3_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                    $sql$,
                    df.loop(
                      df.if(
                        $sql$
                          select ($w3_until.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                        $sql$,
                        df.sleep(60),
                        df.sleep(1)
                      ),
                      $sql$
                        select ($w3_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                      $sql$
                    ),
                    df.sql($sql$select 1 as nothing$sql$)
                  )
                )
              ),
              df.sql($sql$select 1 as nothing$sql$)
            ),
            -- steps[2]
            df.wait_for_schedule('0 9 * * MON,TUE,WED,THU,FRI')
          ),
          -- steps[3]
          df.if(
            $sql$select coalesce((($sql$ || v_n || $sql$)::bigint = 5)::boolean, false) as ok$sql$,
            df.sql($sql$select to_jsonb(('early')::text) as result$sql$),
            -- steps[4]
            df.sql($sql$
              select jsonb_build_object('ok', (($r1_answer?)::jsonb -> 'data' ->> 'ok')::boolean, 'late', (($r1_answer?)::jsonb ->> 'timed_out')::boolean) as result
            $sql$)
          )
        )
      )
    ),
    'flow@1'
  );
end
$workflow$;

comment on function workflows.flow_v1(bigint, text) is 'flow, version 1';

create function workflows.flow(n bigint, word text)
returns text
language sql
volatile
as $current$
  select workflows.flow_v1(n, word)
$current$;

comment on function workflows.flow(bigint, text) is 'Starts a run of flow, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'flow',
  1,
  'cf1ce1db729a439989b373d3fa0d86f62054db39d415617212c453fc8e387d72',
  'n bigint, word text',
  $source$workflow: flow
input: {n: bigint, word: text}
steps:
  - name: answer
    when: n > 5
    wait_for_signal: answer
    payload: {ok: boolean}
    timeout: 1h
  - switch: word
    cases:
      stop: [{return: stopped}]
      go:
        - do:
            - sleep_until: now() + interval '1 hour'
            - sleep: n * interval '1 minute'
  - wait_for_schedule: 0 9 * * 1-5
    timezone: UTC
  - return: early
    when: n = 5
  - return: {ok: "$$source$ || '{' || $source$answer.data.ok}", late: "$$source$ || '{' || $source$answer.timed_out}"}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "answer", "role": "if", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "when", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "then", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "then", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "signal", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "begin", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "wait", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "look", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "taken", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "break", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "pace", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "far", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "signal", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "signal", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "message", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "payload", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[0]", "name": "answer", "role": "skipped", "file": "workflows/flow.yaml", "line": 6},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1].cases[0][0]", "name": null, "role": "value", "file": "workflows/flow.yaml", "line": 11},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "case", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "then", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1]", "name": null, "role": "then", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "deadline", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "wait", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "ahead", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "wait", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "pace", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "far", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "sleep", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "sleep", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "ahead", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1].cases[1][0].do[0]", "name": null, "role": "nothing", "file": "workflows/flow.yaml", "line": 14},
{"path": "steps[1]", "name": null, "role": "then", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "deadline", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "wait", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "ahead", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "wait", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "pace", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "far", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "sleep", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "sleep", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "ahead", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1].cases[1][0].do[1]", "name": null, "role": "nothing", "file": "workflows/flow.yaml", "line": 15},
{"path": "steps[1]", "name": null, "role": "nothing", "file": "workflows/flow.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "schedule", "file": "workflows/flow.yaml", "line": 16},
{"path": "steps[3]", "name": null, "role": "if", "file": "workflows/flow.yaml", "line": 18},
{"path": "steps[3]", "name": null, "role": "when", "file": "workflows/flow.yaml", "line": 18},
{"path": "steps[3]", "name": null, "role": "value", "file": "workflows/flow.yaml", "line": 18},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/flow.yaml", "line": 20}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
