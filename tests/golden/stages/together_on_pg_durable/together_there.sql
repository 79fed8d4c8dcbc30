-- written by perdure: together_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/together_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 25a5dc2fe7afb8feb054a71d7c45a40f504a874dc5db160346d66efaeffb3271

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.together_there_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
declare
  v_order_id constant text := perdure.literal(order_id::text);
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of together_there may not be null';
  end if;
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          -- steps[0].call.steps[0] hurry
          df.seq(
            df.as(
              df.sql($sql$
                select gen_random_uuid() as token, clock_timestamp() + interval '5 seconds' as settled, clock_timestamp() + interval '86400 seconds' as deadline
              $sql$),
              'w6_wait'
            ),
            df.loop(
              df.if(
                $sql$
                  select perdure.take_signal('{sys_instance_id}', 'hurry', ($w6_wait.token)::uuid) is not null or ($w6_wait.deadline)::timestamptz - clock_timestamp() <= interval '0' as ok
                $sql$,
                df.break(),
                df.if(
                  $sql$
                    select clock_timestamp() > ($w6_wait.settled)::timestamptz and ($w6_wait.deadline)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                  $sql$,
                  df.wait_for_signal('hurry', 60),
                  df.wait_for_signal('hurry', 1)
                )
              )
            )
          ),
          -- steps[0].call.steps[0] hurry
          df.as(
            df.sql($sql$
              select coalesce(perdure.take_signal('{sys_instance_id}', 'hurry', ($w6_wait.token)::uuid), jsonb_build_object('signal_name', 'hurry', 'timed_out', true, 'data', null))::text as signal
            $sql$),
            'r1_hurry'
          )
        ),
        df.seq(
          -- steps[0].call.steps[0] hurry, payload
          df.sql($sql$
            select perdure.check_signal(($r1_hurry)::jsonb, '{"by": "date"}') as ok
          $sql$),
          -- steps[0].call.steps[1]
          df.sql($sql$
            insert into shop.audit (what) values ('shipped ' || (($sql$ || v_order_id || $sql$)::bigint)::bigint || ' ' || ('by parcel')::text)
          $sql$)
        )
      ),
      df.seq(
        df.seq(
          -- steps[1] apart
          df.race(
            df.seq(
              df.seq(
                df.as(df.sql($sql$select 0 as attempt$sql$), 'w1_attempt'),
                df.loop(
                  df.seq(
                    df.seq(
                      df.seq(
                        df.as(
                          df.sql($sql$
                            select ($w1_attempt.attempt)::integer + 1 as attempt, gen_random_uuid() as token
                          $sql$),
                          'w1_attempt'
                        ),
                        df.as(
                          df.sql($sql$select gen_random_uuid() as token$sql$),
                          'w2_scope'
                        )
                      ),
                      df.if(
                        $sql$
                          select perdure.is_fine('{sys_instance_id}', ($w1_attempt.token)::text) as ok
                        $sql$,
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select r.value ->> 'run_id' as run_id
                              from perdure.attempt('{sys_instance_id}', ($w1_attempt.token)::text, array['apart'],
                                array['select coalesce(perdure.started(''call'', k.key), perdure.keep_start(''call'', k.key, s.run_id)) as run_id
                              from (select ($1)[1] || ''/'' || ''1'' || ''/'' || (($1)[2])::text as key) as k
                              left join lateral (select workflows.ship_there_v1(order_id => (($1)[3])::bigint, note => (cast(''again for ''::text || coalesce(cast((($1)[3])::bigint as text), '''') as text))::text) as run_id
                                where perdure.started(''call'', k.key) is null) as s on true'], array['']::text[],
                                array['{sys_instance_id}'::text, ($w2_scope.token?)::text, ($sql$ || v_order_id || $sql$)::text]::text[], array[2]::integer[]) as a
                              left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                              limit 1
                            $sql$),
                            'w3_run'
                          ),
                          df.if(
                            $sql$
                              select perdure.is_fine('{sys_instance_id}', ($w1_attempt.token)::text) as ok
                            $sql$,
                            df.seq(
                              df.seq(
                                df.as(
                                  df.sql($sql$
                                    select clock_timestamp() + interval '60 seconds' as settled
                                  $sql$),
                                  'w4_since'
                                ),
                                df.loop(
                                  df.if(
                                    $sql$
                                      select perdure.is_awaited(($w3_run.run_id)::text) as ok
                                    $sql$,
                                    df.if(
                                      $sql$
                                        select clock_timestamp() > ($w4_since.settled)::timestamptz as ok
                                      $sql$,
                                      df.sleep(10),
                                      df.sleep(1)
                                    ),
                                    df.break()
                                  )
                                )
                              ),
                              df.as(
                                df.sql($sql$
                                  select (select v.value from jsonb_each_text(r.value) as v limit 1) as value
                                  from perdure.attempt('{sys_instance_id}', ($w1_attempt.token)::text, array['apart'],
                                    array['select perdure.called((($1)[1])::text)::text as called'], array['']::text[],
                                    array[($w3_run.run_id?)::text]::text[], array[1]::integer[]) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r2_run'
                              )
                            ),
                            df.sql($sql$select 1 as nothing$sql$)
                          )
                        ),
                        df.sql($sql$select 1 as nothing$sql$)
                      )
                    ),
                    df.seq(
                      df.as(
                        df.sql($sql$
                          select perdure.retry_at('{sys_instance_id}', ($w1_attempt.token)::text, ($w1_attempt.attempt)::integer, 2, 1000, 2.0, null, true, null) as at
                        $sql$),
                        'w5_again'
                      ),
                      df.if(
                        $sql$
                          select ($w5_again.at?)::timestamptz is null as ok
                        $sql$,
                        df.break(),
                        df.if(
                          $sql$
                            select ($w5_again.at)::timestamptz - clock_timestamp() > interval '0' as ok
                          $sql$,
                          df.loop(
                            df.if(
                              $sql$
                                select ($w5_again.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                              $sql$,
                              df.sleep(60),
                              df.sleep(1)
                            ),
                            $sql$
                              select ($w5_again.at)::timestamptz - clock_timestamp() > interval '0' as ok
                            $sql$
                          ),
                          df.sql($sql$select 1 as nothing$sql$)
                        )
                      )
                    )
                  )
                )
              ),
              df.seq(
                df.sql($sql$
                  select perdure.raise_failure('{sys_instance_id}', array[($w1_attempt.token)::text]) as ok
                $sql$),
                df.as(
                  df.sql($sql$
                    select (nullif((($r2_run)::jsonb -> 'result' -> 'rows' -> 0) -> 'result', 'null'))::text as value
                  $sql$),
                  'r3_apart'
                )
              )
            ),
            df.seq(
              df.seq(
                df.sleep(259200),
                df.sql($sql$
                  select perdure.cancel_called('{sys_instance_id}' || '/' || '1' || '/' || '') as ok
                $sql$)
              ),
              df.sql($sql$select perdure.time_out('72:00:00') as ok$sql$)
            )
          ),
          -- steps[2] started
          df.as(
            df.sql($sql$
              select coalesce(perdure.started(k.workflow, k.key), perdure.keep_start(k.workflow, k.key, workflows.ship_there_v1(order_id => ($sql$ || v_order_id || $sql$)::bigint))) as run_id
              from (select 'ship_there'::text as workflow, ('order ' || (($sql$ || v_order_id || $sql$)::bigint)::text)::text as key) as k
            $sql$),
            'r4_started'
          )
        ),
        df.seq(
          -- steps[3]
          df.sql($sql$
            select perdure.signal((($r4_started.run_id)::text)::text, 'hurry', (jsonb_build_object('by', '2030-01-01'))::text::jsonb)
          $sql$),
          -- steps[4]
          df.sql($sql$
            select jsonb_build_object('late', (((cast((jsonb_build_object('late', (($r1_hurry)::jsonb ->> 'timed_out')::boolean)) as jsonb))::jsonb ->> 'late')::boolean or (($r3_apart.value)::jsonb ->> 'late')::boolean)::boolean) as result
          $sql$)
        )
      )
    ),
    'together_there@1'
  );
end
$workflow$;

comment on function workflows.together_there_v1(bigint) is 'together_there, version 1';

create function workflows.together_there(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.together_there_v1(order_id)
$current$;

comment on function workflows.together_there(bigint) is 'Starts a run of together_there, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'together_there',
  1,
  '25a5dc2fe7afb8feb054a71d7c45a40f504a874dc5db160346d66efaeffb3271',
  'order_id bigint',
  $source$workflow: together_there
input: {order_id: bigint}
steps:
  - name: inside
    call: ship_there
    with: {order_id: "$$source$ || '{' || $source$order_id}"}
  - name: apart
    call: ship_there
    with: {order_id: "$$source$ || '{' || $source$order_id}", note: "again for $$source$ || '{' || $source$order_id}"}
    retry: 2
    timeout: 3d
  - name: started
    start: ship_there
    with: {order_id: "$$source$ || '{' || $source$order_id}"}
    key: order $$source$ || '{' || $source$order_id}
  - signal: hurry
    to: $$source$ || '{' || $source$started.run_id}
    data: {by: "2030-01-01"}
  - return: {late: "$$source$ || '{' || $source$inside.late or apart.late}"}
$source$
  || $file$
--- workflows/ship_there.yaml
workflow: ship_there
input: {order_id: bigint, note: text = 'by parcel'}
returns: {late: boolean}
steps:
  - name: hurry
    wait_for_signal: hurry
    payload: {by: date}
    timeout: 1d
  - sql: insert into shop.audit (what) values ('shipped ' || :order_id || ' ' || :note)
  - return: {late: "$$file$ || '{' || $file$hurry.timed_out}"}
$file$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "begin", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "wait", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "look", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "taken", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "break", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "pace", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "far", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "signal", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "message", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0].call.steps[0]", "name": "hurry", "role": "payload", "file": "workflows/ship_there.yaml", "line": 6},
{"path": "steps[0].call.steps[1]", "name": null, "role": "sql", "file": "workflows/ship_there.yaml", "line": 9},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": "apart", "role": "timeout", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timed", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timed", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "attempts", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "attempts", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "retry", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "retry", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "retry", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "attempt", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "scope", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "fine", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "fine", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "call", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "start", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "fine", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "fine", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "call", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "call", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "since", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "wait", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "while", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "waiting", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "pace", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "far", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "sleep", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "sleep", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "break", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "call", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "nothing", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "nothing", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "retry", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "again", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "over", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "over", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "break", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "wait", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "ahead", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "wait", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "pace", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "far", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "sleep", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "sleep", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "ahead", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "nothing", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timed", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "failed", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "result", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timer", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timer", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timer", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "cancel", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[1]", "name": "apart", "role": "timeout", "file": "workflows/together_there.yaml", "line": 8},
{"path": "steps[2]", "name": "started", "role": "start", "file": "workflows/together_there.yaml", "line": 13},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[3]", "name": null, "role": "send", "file": "workflows/together_there.yaml", "line": 16},
{"path": "steps[4]", "name": null, "role": "return", "file": "workflows/together_there.yaml", "line": 19},
{"path": "steps[0]", "name": "inside", "role": "call", "file": "workflows/together_there.yaml", "line": 5}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
