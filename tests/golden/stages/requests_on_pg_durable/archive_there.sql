-- written by perdure: archive_there, version 1, for target pg_durable>=0.2.5
-- Compiled from workflows/archive_there.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 5540ae3c09eb8deef89ecc7c068df7e98a8bbede72d9a7d43967ebab18b0e789

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.archive_there_v1(order_id bigint)
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
      message = 'input order_id of archive_there may not be null';
  end if;
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          df.seq(
            -- steps[0] file, request
            df.as(
              df.sql($sql$
                select 'https://files.example.com/invoices/' || perdure.url_encode((($sql$ || v_order_id || $sql$)::bigint)::text) as url
              $sql$),
              'r1_request'
            ),
            -- steps[0] file
            df.as(df.http('$r1_request.url#{sys_instance_id}', 'GET'), 'r2_file')
          ),
          df.seq(
            -- steps[0] file
            df.sql($sql$
              select perdure.check_response(($r2_file)::jsonb, array['2xx', '404'], null, 'file') as ok
            $sql$),
            -- steps[1] customer, request
            df.as(
              df.sql($sql$
                select 'https://crm.example.com/customers/' || perdure.url_encode((($sql$ || v_order_id || $sql$)::bigint)::text) as url, 'order ' || (($sql$ || v_order_id || $sql$)::bigint)::text as header_1
              $sql$),
              'r3_request'
            )
          )
        ),
        df.seq(
          df.seq(
            -- steps[1] customer
            df.as(
              df.http(
                '$r3_request.url#{sys_instance_id}',
                'GET',
                null,
                '{"X-Order": "$r3_request.header_1"}'::jsonb,
                10
              ),
              'r4_customer'
            ),
            -- steps[1] customer
            df.sql($sql$
              select perdure.check_response(($r4_customer)::jsonb, array['2xx'], '{"name": "text", "tags": ["text"], "since": {"?": "date"}}', 'customer') as ok
            $sql$)
          ),
          df.seq(
            -- steps[2], request
            df.as(
              df.sql($sql$
                select encode(convert_to(('Invoice ' || (($sql$ || v_order_id || $sql$)::bigint)::text)::text, 'UTF8'), 'base64') as part_1, 'invoice-' || (($sql$ || v_order_id || $sql$)::bigint)::text || '.pdf' as part_2_file, perdure.response_bytes(($r2_file)::jsonb) as part_2
              $sql$),
              'r5_request'
            ),
            -- steps[2]
            df.http_multipart(
              'https://archive.example.com/documents',
              'POST',
              '[{"name": "title", "data_b64": "$r5_request.part_1"}, {"name": "document", "data_b64": "$r5_request.part_2", "filename": "$r5_request.part_2_file", "content_type": "application/pdf"}]'::jsonb
            )
          )
        )
      ),
      df.seq(
        df.seq(
          df.seq(
            -- steps[3], request
            df.as(
              df.sql($sql$
                select 'order=' || perdure.url_encode((($sql$ || v_order_id || $sql$)::bigint)::text) || '&state=' || perdure.url_encode((perdure.response_json(($r4_customer)::jsonb) ->> 'name')::text) as body
              $sql$),
              'r6_request'
            ),
            -- steps[3]
            df.as(df.sql($sql$select 0 as attempt$sql$), 'w1_attempt')
          ),
          df.seq(
            -- steps[3]
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
                        from perdure.attempt('{sys_instance_id}', ($w1_attempt.token)::text, array['steps[3]'],
                          array[E'select perdure.start_request(($1)[1], ''POST'',
                          ''https://hooks.example.com/done''::text,
                          (($1)[2])::text,
                          E''{"content-type": "\\x24q.h1"}''::jsonb, array[''application/x-www-form-urlencoded''::text]::text[],
                          null, array[]::text[], 30) as request'], array['']::text[],
                          array['{sys_instance_id}'::text, ($r6_request.body?)::text]::text[], array[]::integer[]) as a
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
                      df.sql($sql$
                        select perdure.response('{sys_instance_id}', ($w1_attempt.token)::text, 'steps[3]', ($w2_request.request)::text, ($w1_attempt.attempt)::integer < 4, array['503', 'transport']::text[]) as response
                      $sql$)
                    ),
                    df.sql($sql$select 1 as nothing$sql$)
                  )
                ),
                df.seq(
                  df.as(
                    df.sql($sql$
                      select perdure.retry_at('{sys_instance_id}', ($w1_attempt.token)::text, ($w1_attempt.attempt)::integer, 4, 2000, 2.0, null, true, array['503', 'transport']::text[]) as at
                    $sql$),
                    'w4_again'
                  ),
                  df.if(
                    $sql$select ($w4_again.at?)::timestamptz is null as ok$sql$,
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
            ),
            -- steps[3]
            df.sql($sql$
              select perdure.raise_failure('{sys_instance_id}', array[($w1_attempt.token)::text]) as ok
            $sql$)
          )
        ),
        df.seq(
          df.seq(
            -- steps[4], request
            df.as(
              df.sql($sql$select 'done ' || (($sql$ || v_order_id || $sql$)::bigint)::text as body$sql$),
              'r7_request'
            ),
            -- steps[4]
            df.http('https://hooks.example.com/text', 'PUT', '$r7_request.body')
          ),
          df.sql($sql$select null::jsonb as result$sql$)
        )
      )
    ),
    'archive_there@1'
  );
end
$workflow$;

comment on function workflows.archive_there_v1(bigint) is 'archive_there, version 1';

create function workflows.archive_there(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.archive_there_v1(order_id)
$current$;

comment on function workflows.archive_there(bigint) is 'Starts a run of archive_there, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'archive_there',
  1,
  '5540ae3c09eb8deef89ecc7c068df7e98a8bbede72d9a7d43967ebab18b0e789',
  'order_id bigint',
  $source$workflow: archive_there
input: {order_id: bigint}
steps:
  - name: file
    http: GET https://files.example.com/invoices/$$source$ || '{' || $source$order_id}
    expect_status: [2xx, 404]
  - name: customer
    http: GET https://crm.example.com/customers/$$source$ || '{' || $source$order_id}
    headers: {X-Order: "order $$source$ || '{' || $source$order_id}"}
    expect_status: 2xx
    returns: {name: text, tags: [text], since: date?}
    timeout: 10s
  - http: POST https://archive.example.com/documents
    multipart:
      title: Invoice $$source$ || '{' || $source$order_id}
      document: {from: file, filename: "invoice-$$source$ || '{' || $source$order_id}.pdf", content_type: application/pdf}
  - http: POST https://hooks.example.com/done
    form: {order: "$$source$ || '{' || $source$order_id}", state: "$$source$ || '{' || $source$customer.json.name}"}
    retry: {max_attempts: 4, backoff: 2s, on: ["503", transport]}
  - http: PUT https://hooks.example.com/text
    body: done $$source$ || '{' || $source$order_id}
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "file", "role": "request", "file": "workflows/archive_there.yaml", "line": 5},
{"path": "steps[0]", "name": "file", "role": "http", "file": "workflows/archive_there.yaml", "line": 5},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "file", "role": "response", "file": "workflows/archive_there.yaml", "line": 5},
{"path": "steps[1]", "name": "customer", "role": "request", "file": "workflows/archive_there.yaml", "line": 8},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": "customer", "role": "http", "file": "workflows/archive_there.yaml", "line": 8},
{"path": "steps[1]", "name": "customer", "role": "response", "file": "workflows/archive_there.yaml", "line": 8},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[2]", "name": null, "role": "request", "file": "workflows/archive_there.yaml", "line": 13},
{"path": "steps[2]", "name": null, "role": "http", "file": "workflows/archive_there.yaml", "line": 13},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[3]", "name": null, "role": "request", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "attempts", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[3]", "name": null, "role": "attempts", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "retry", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "retry", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "retry", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "attempt", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "send", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "fine", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "fine", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "http", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "http", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "since", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "wait", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "while", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "waiting", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "pace", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "far", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "sleep", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "sleep", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "break", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "http", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "nothing", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "retry", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "again", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "over", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "over", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "break", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "wait", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "ahead", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "wait", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "pace", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "far", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "sleep", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "sleep", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "ahead", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "nothing", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "failed", "file": "workflows/archive_there.yaml", "line": 17},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[4]", "name": null, "role": "request", "file": "workflows/archive_there.yaml", "line": 20},
{"path": "steps[4]", "name": null, "role": "http", "file": "workflows/archive_there.yaml", "line": 20},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.5'
);
