-- written by perdure: booking, version 1, for target pg_durable>=0.2.6
-- Compiled from workflows/booking.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 3577bab3464ee92d7f5f4beb773510ef44e6dfca95f99c6f19743d5f19e17ced

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.booking_v1(order_id bigint)
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
      message = 'input order_id of booking may not be null';
  end if;
  return coalesce(
    perdure.run_of('booking', ((order_id)::bigint)::text),
    perdure.keep_run(
      'booking',
      ((order_id)::bigint)::text,
      df.start(
        df.race(
          df.seq(
            df.seq(
              df.seq(
                df.seq(
                  df.loop(
                    df.if(
                      $sql$
                        select not perdure.take_turn('{sys_instance_id}', 'booking', 2) as ok
                      $sql$,
                      df.sleep(1),
                      df.break()
                    )
                  ),
                  -- steps[0] booking
                  df.as(
                    df.sql($sql$
                      insert into shop.audit (what) values ('booked ' || ($sql$ || v_order_id || $sql$)::bigint) returning id
                    $sql$),
                    'r1_booking'
                  )
                ),
                -- steps[1].try[0] answer, request
                df.as(
                  df.sql($sql$
                    select r.value ->> 'url' as url, r.value ->> 'body' as body
                    from perdure.attempt('{sys_instance_id}', '2', array['answer'],
                      array['select ''https://pay.example.com/orders/'' || perdure.url_encode(((($1)[1])::bigint)::text) as url, (jsonb_build_object(''order'', (($1)[1])::bigint))::text as body'], array['']::text[],
                      array[($sql$ || v_order_id || $sql$)::text]::text[], array[]::integer[]) as a
                    left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                    limit 1
                  $sql$),
                  'r2_request'
                )
              ),
              df.seq(
                -- steps[1]
                df.if(
                  $sql$select perdure.is_fine('{sys_instance_id}', '2') as ok$sql$,
                  df.seq(
                    df.seq(
                      -- steps[1].try[0] answer
                      df.as(df.sql($sql$select 0 as attempt$sql$), 'w1_attempt'),
                      -- steps[1].try[0] answer
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
                                df.sql($sql$
                                  select r.value ->> 'request' as request
                                  from perdure.attempt('{sys_instance_id}', ($w1_attempt.token)::text, array['answer'],
                                    array[E'select perdure.start_request(($1)[1], ''POST'',
                                    (($1)[2])::text,
                                    (($1)[3])::text,
                                    E''{"content-type": "\\x24q.h1"}''::jsonb, array[''application/json''::text]::text[],
                                    null, array[]::text[], 30) as request'], array['']::text[],
                                    array['{sys_instance_id}'::text, ($r2_request.url?)::text, ($r2_request.body?)::text]::text[], array[]::integer[]) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'w2_request'
                              )
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
                                    'w3_since'
                                  ),
                                  df.loop(
                                    df.if(
                                      $sql$
                                        select perdure.is_awaited(($w2_request.request)::text) as ok
                                      $sql$,
                                      df.if(
                                        $sql$
                                          select clock_timestamp() > ($w3_since.settled)::timestamptz as ok
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
                                    select perdure.response('{sys_instance_id}', ($w1_attempt.token)::text, 'answer', ($w2_request.request)::text, ($w1_attempt.attempt)::integer < 3, null) as response
                                  $sql$),
                                  'r3_answer'
                                )
                              ),
                              df.sql($sql$select 1 as nothing$sql$)
                            )
                          ),
                          df.seq(
                            df.as(
                              df.sql($sql$
                                select perdure.retry_at('{sys_instance_id}', ($w1_attempt.token)::text, ($w1_attempt.attempt)::integer, 3, 2000, 2.0, null, true, null) as at
                              $sql$),
                              'w4_again'
                            ),
                            df.if(
                              $sql$
                                select ($w4_again.at?)::timestamptz is null as ok
                              $sql$,
                              df.break(),
                              df.if(
                                $sql$
                                  select ($w4_again.at)::timestamptz - clock_timestamp() > interval '0' as ok
                                $sql$,
                                df.loop(
                                  df.if(
                                    $sql$
                                      select ($w4_again.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                                    $sql$,
                                    df.sleep(60),
                                    df.sleep(1)
                                  ),
                                  $sql$
                                    select ($w4_again.at)::timestamptz - clock_timestamp() > interval '0' as ok
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
                      -- steps[1].try[0] answer
                      df.sql($sql$
                        select perdure.pass_on('{sys_instance_id}', '2', array[($w1_attempt.token)::text]) as ok
                      $sql$),
                      df.if(
                        $sql$
                          select perdure.is_fine('{sys_instance_id}', '2') as ok
                        $sql$,
                        -- steps[1].try[1]
                        df.if(
                          $sql$
                            select perdure.attempt_condition('{sys_instance_id}', '2', 'steps[1].try[1]',
                              'select coalesce((not ((($1)[1])::jsonb ->> ''ok'')::boolean)::boolean, false) as ok',
                              array[($r3_answer)::text]::text[], array[1]::integer[], false) as ok
                          $sql$,
                          -- steps[1].try[1].then[0]
                          df.sql($sql$
                            select a.ok
                            from perdure.attempt('{sys_instance_id}', '2', array['steps[1].try[1].then[0]'],
                              array['select perdure.fail(''it''''s '' || (((($1)[1])::jsonb ->> ''status'')::integer)::text)'], array[null]::text[],
                              array[($r3_answer)::text]::text[], array[1]::integer[]) as a
                          $sql$),
                          df.sql($sql$select 1 as nothing$sql$)
                        ),
                        df.sql($sql$select 1 as nothing$sql$)
                      )
                    )
                  ),
                  df.sql($sql$select 1 as nothing$sql$)
                ),
                -- steps[1]
                df.if(
                  $sql$select perdure.is_fine('{sys_instance_id}', '2') as ok$sql$,
                  df.sql($sql$select 1 as nothing$sql$),
                  df.seq(
                    df.seq(
                      df.as(
                        df.sql($sql$
                          select f.step, f.message, f.sqlstate, f.detail
                          from perdure.failure('{sys_instance_id}', '2') as f
                        $sql$),
                        'r4_err'
                      ),
                      -- steps[1].do[0]
                      df.sql($sql$
                        select a.ok
                        from perdure.attempt('{sys_instance_id}', '2.catch', array['steps[1].do[0]'],
                          array[E'insert into shop.audit (what) values ((($1)[1])::text || E'' \\x24order \\x7ba} '' || (($1)[2])::text)'], array[null]::text[],
                          array[($r4_err.step?)::text, ($r4_err.message?)::text]::text[], array[1, 2]::integer[]) as a
                      $sql$)
                    ),
                    -- steps[1].do[1]
                    df.sql($sql$
                      select perdure.pass_on('{sys_instance_id}', '2.catch', array['2']) as ok
                    $sql$)
                  )
                )
              )
            ),
            df.seq(
              df.seq(
                df.seq(
                  -- steps[1].finally[0]
                  df.sql($sql$
                    select a.ok
                    from perdure.attempt('{sys_instance_id}', '1', array['steps[1].finally[0]'],
                      array['insert into shop.audit (what) values (''asked'')'], array[null]::text[],
                      array[]::text[], array[]::integer[]) as a
                  $sql$),
                  -- steps[1]
                  df.sql($sql$
                    select perdure.pass_on('{sys_instance_id}', '1', array['2.catch']) as ok
                  $sql$)
                ),
                -- steps[0] booking
                df.if(
                  $sql$select perdure.is_fine('{sys_instance_id}', '1') as ok$sql$,
                  df.seq(
                    -- steps[2]
                    df.race(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select perdure.end_of_wait(d.at) as at
                              from (select perdure.next_time('0 9 * * MON', clock_timestamp(), 'Europe/Berlin') as at) as d
                            $sql$),
                            'w6_until'
                          ),
                          df.if(
                            $sql$
                              select ($w6_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                            $sql$,
                            df.loop(
                              df.if(
                                $sql$
                                  select ($w6_until.at)::timestamptz - clock_timestamp() > interval '60 seconds' as ok
                                $sql$,
                                df.sleep(60),
                                df.sleep(1)
                              ),
                              $sql$
                                select ($w6_until.at)::timestamptz - clock_timestamp() > interval '0' as ok
                              $sql$
                            ),
                            df.sql($sql$select 1 as nothing$sql$)
                          )
                        ),
                        df.as(df.sql($sql$select 1 as branch$sql$), 'w5_won')
                      ),
                      df.seq(
                        df.seq(
                          df.sleep(172800),
                          df.sql($sql$
                            select a.ok
                            from perdure.attempt('{sys_instance_id}', '1.2', array['steps[2]'],
                              array['select perdure.time_out(''48:00:00'') as ok'], array[null]::text[],
                              array[]::text[], array[]::integer[]) as a
                          $sql$)
                        ),
                        df.as(df.sql($sql$select 2 as branch$sql$), 'w5_won')
                      )
                    ),
                    -- steps[2]
                    df.sql($sql$
                      select perdure.pass_on('{sys_instance_id}', '1', array['1.' || ($w5_won.branch?)::text]) as ok
                    $sql$)
                  ),
                  df.sql($sql$select 1 as nothing$sql$)
                )
              ),
              df.seq(
                -- steps[0] booking
                df.if(
                  $sql$select perdure.is_fine('{sys_instance_id}', '1') as ok$sql$,
                  df.sql($sql$select 1 as nothing$sql$),
                  df.seq(
                    df.seq(
                      -- steps[0].undo[0]
                      df.sql($sql$
                        select a.ok
                        from perdure.attempt('{sys_instance_id}', '3', array['steps[0].undo[0]'],
                          array['delete from shop.audit where id = (($1)[1])::bigint'], array[null]::text[],
                          array[($r1_booking.id?)::text]::text[], array[1]::integer[]) as a
                      $sql$),
                      df.if(
                        $sql$
                          select perdure.is_fine('{sys_instance_id}', '3') as ok
                        $sql$,
                        df.sql($sql$select 1 as nothing$sql$),
                        df.seq(
                          df.sql($sql$
                            select perdure.note_second('{sys_instance_id}', '1', '3', 'The undo of step "booking"') as ok
                          $sql$),
                          df.sql($sql$
                            select perdure.raise_failure('{sys_instance_id}', array['1']) as ok
                          $sql$)
                        )
                      )
                    ),
                    df.sql($sql$
                      select perdure.raise_failure('{sys_instance_id}', array['1']) as ok
                    $sql$)
                  )
                ),
                df.sql($sql$select null::jsonb as result$sql$)
              )
            )
          ),
          df.seq(
            df.sleep(3600),
            df.sql($sql$select perdure.time_out('01:00:00', 'the run') as ok$sql$)
          )
        ),
        'booking@1'
      )
    )
  );
end
$workflow$;

comment on function workflows.booking_v1(bigint) is 'booking, version 1';

create function workflows.booking(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.booking_v1(order_id)
$current$;

comment on function workflows.booking(bigint) is 'Starts a run of booking, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'booking',
  1,
  '3577bab3464ee92d7f5f4beb773510ef44e6dfca95f99c6f19743d5f19e17ced',
  'order_id bigint',
  $source$workflow: booking
input:
  order_id: bigint
timeout: 1h
idempotency_key: order_id
concurrency: 2
steps:
  - name: booking
    sql: insert into shop.audit (what) values ('booked ' || :order_id) returning id
    undo:
      - sql: delete from shop.audit where id = :booking.id
  - try:
      - name: answer
        http: POST https://pay.example.com/orders/$$source$ || '{' || $source$order_id}
        json: {order: "$$source$ || '{' || $source$order_id}"}
        retry: {max_attempts: 3, backoff: 2s}
      - if: not answer.ok
        then: [{fail: "it's $$source$ || '{' || $source$answer.status}"}]
    catch: err
    do:
      - sql: insert into shop.audit (what) values (:err.step || ' $order {a} ' || :err.message)
      - fail
    finally:
      - sql: insert into shop.audit (what) values ('asked')
  - wait_for_schedule: 0 9 * * MON
    timezone: Europe/Berlin
    timeout: 2d
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/booking.yaml", "line": 6},
{"path": "steps", "name": null, "role": "while", "file": "workflows/booking.yaml", "line": 6},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/booking.yaml", "line": 6},
{"path": "steps", "name": null, "role": "turn", "file": "workflows/booking.yaml", "line": 6},
{"path": "steps", "name": null, "role": "break", "file": "workflows/booking.yaml", "line": 6},
{"path": "steps[0]", "name": "booking", "role": "sql", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[1].try[0]", "name": "answer", "role": "request", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": null, "role": "fine", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "fine", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1].try[0]", "name": "answer", "role": "attempts", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "attempts", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "retry", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "retry", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "retry", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "attempt", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "send", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "fine", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "fine", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "http", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "http", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "since", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "wait", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "while", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "waiting", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "pace", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "far", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "sleep", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "sleep", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "break", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "http", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "nothing", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "retry", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "again", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "over", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "over", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "break", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "wait", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "ahead", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "wait", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "pace", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "far", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "sleep", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "sleep", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "ahead", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1].try[0]", "name": "answer", "role": "nothing", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1].try[0]", "name": "answer", "role": "failed", "file": "workflows/booking.yaml", "line": 14},
{"path": "steps[1]", "name": null, "role": "fine", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "fine", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1].try[1]", "name": null, "role": "if", "file": "workflows/booking.yaml", "line": 17},
{"path": "steps[1].try[1]", "name": null, "role": "condition", "file": "workflows/booking.yaml", "line": 17},
{"path": "steps[1].try[1].then[0]", "name": null, "role": "fail", "file": "workflows/booking.yaml", "line": 18},
{"path": "steps[1].try[1]", "name": null, "role": "nothing", "file": "workflows/booking.yaml", "line": 17},
{"path": "steps[1]", "name": null, "role": "nothing", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "nothing", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "catch", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "fine", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "nothing", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "try", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1]", "name": null, "role": "error", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[1].do[0]", "name": null, "role": "sql", "file": "workflows/booking.yaml", "line": 21},
{"path": "steps[1].do[1]", "name": null, "role": "failed", "file": "workflows/booking.yaml", "line": 22},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1].finally[0]", "name": null, "role": "sql", "file": "workflows/booking.yaml", "line": 24},
{"path": "steps[1]", "name": null, "role": "failed", "file": "workflows/booking.yaml", "line": 12},
{"path": "steps[0]", "name": "booking", "role": "fine", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "fine", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "scope", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[2]", "name": null, "role": "timeout", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "schedule", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "schedule", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "deadline", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "wait", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "ahead", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "wait", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "pace", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "far", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "sleep", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "sleep", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "ahead", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "nothing", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "won", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "timer", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "timer", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "timer", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "timeout", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "won", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[2]", "name": null, "role": "failed", "file": "workflows/booking.yaml", "line": 25},
{"path": "steps[0]", "name": "booking", "role": "nothing", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "booking", "role": "catch", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "fine", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "nothing", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "scope", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "scope", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0].undo[0]", "name": null, "role": "sql", "file": "workflows/booking.yaml", "line": 11},
{"path": "steps[0]", "name": "booking", "role": "catch", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "fine", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "nothing", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "undo", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "failed", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "failed", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps[0]", "name": "booking", "role": "failed", "file": "workflows/booking.yaml", "line": 9},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null},
{"path": "steps", "name": null, "role": "timer", "file": null, "line": null},
{"path": "steps", "name": null, "role": "timer", "file": null, "line": null},
{"path": "steps", "name": null, "role": "timeout", "file": null, "line": null}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.6'
);
