-- written by perdure: archive, version 1, for target perdure
-- Compiled from workflows/archive.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 91c4604bb2c40f7c3c7b84e7780148b6c6f7bb9cb11c02443ddc9b4df0cf2202

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.archive_v1(order_id bigint)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if order_id is null then
    raise null_value_not_allowed using
      message = 'input order_id of archive may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0] file, request
      df.as(
        df.sql($sql$
          select 'https://files.example.com/invoices/' || perdure.url_encode((($input.order_id)::bigint)::text) as url
        $sql$),
        'r1_request'
      ),
      -- steps[0] file
      df.as(df.http('$r1_request.url', 'GET'), 'r2_file'),
      -- steps[0] file
      df.sql($sql$
        select perdure.check_response(($r2_file)::jsonb, array['2xx', '404'], null, 'file') as ok
      $sql$),
      -- steps[1] customer, request
      df.as(
        df.sql($sql$
          select 'https://crm.example.com/customers/' || perdure.url_encode((($input.order_id)::bigint)::text) as url, 'order ' || (($input.order_id)::bigint)::text as header_1
        $sql$),
        'r3_request'
      ),
      -- steps[1] customer
      df.as(
        df.http(
          '$r3_request.url',
          'GET',
          null,
          '{"X-Order": "$r3_request.header_1", "Authorization": "Bearer $secrets.crm_token"}'::jsonb,
          10
        ),
        'r4_customer'
      ),
      -- steps[1] customer
      df.sql($sql$
        select perdure.check_response(($r4_customer)::jsonb, array['2xx'], '{"name": "text", "tags": ["text"], "since": {"?": "date"}}', 'customer') as ok
      $sql$),
      -- steps[2], request
      df.as(
        df.sql($sql$
          select encode(convert_to(('Invoice ' || (($input.order_id)::bigint)::text)::text, 'UTF8'), 'base64') as part_1, 'invoice-' || (($input.order_id)::bigint)::text || '.pdf' as part_2_file, perdure.response_bytes(($r2_file)::jsonb) as part_2
        $sql$),
        'r5_request'
      ),
      -- steps[2]
      df.http_multipart(
        'https://archive.example.com/documents',
        'POST',
        '[{"name": "title", "data_b64": "$r5_request.part_1"}, {"name": "document", "data_b64": "$r5_request.part_2", "filename": "$r5_request.part_2_file", "content_type": "application/pdf"}]'::jsonb
      ),
      -- steps[3], request
      df.as(
        df.sql($sql$
          select 'order=' || perdure.url_encode((($input.order_id)::bigint)::text) || '&state=' || perdure.url_encode((perdure.response_json(($r4_customer)::jsonb) ->> 'name')::text) as body
        $sql$),
        'r6_request'
      ),
      -- steps[3]
      df.retry(
        df.http(
          'https://hooks.example.com/done',
          'POST',
          '$r6_request.body',
          '{"content-type": "application/x-www-form-urlencoded"}'::jsonb
        ),
        4,
        backoff => '2 seconds',
        retry_on => array['503', 'transport']::text[]
      ),
      -- steps[4], request
      df.as(
        df.sql($sql$select 'done ' || (($input.order_id)::bigint)::text as body$sql$),
        'r7_request'
      ),
      -- steps[4]
      df.http('https://hooks.example.com/text', 'PUT', '$r7_request.body'),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'archive@1',
    input => pg_catalog.jsonb_build_object(
      'order_id', order_id
    )
  );
end
$workflow$;

comment on function workflows.archive_v1(bigint) is 'archive, version 1';

create function workflows.archive(order_id bigint)
returns text
language sql
volatile
as $current$
  select workflows.archive_v1(order_id)
$current$;

comment on function workflows.archive(bigint) is 'Starts a run of archive, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'archive',
  1,
  '91c4604bb2c40f7c3c7b84e7780148b6c6f7bb9cb11c02443ddc9b4df0cf2202',
  'order_id bigint',
  $source$workflow: archive
input: {order_id: bigint}
steps:
  - name: file
    http: GET https://files.example.com/invoices/$$source$ || '{' || $source$order_id}
    expect_status: [2xx, 404]
  - name: customer
    http: GET https://crm.example.com/customers/$$source$ || '{' || $source$order_id}
    headers: {X-Order: "order $$source$ || '{' || $source$order_id}", Authorization: "Bearer $$source$ || '{' || $source$secrets.crm_token}"}
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
{"path": "steps[0]", "name": "file", "role": "request", "file": "workflows/archive.yaml", "line": 5},
{"path": "steps[0]", "name": "file", "role": "http", "file": "workflows/archive.yaml", "line": 5},
{"path": "steps[0]", "name": "file", "role": "response", "file": "workflows/archive.yaml", "line": 5},
{"path": "steps[1]", "name": "customer", "role": "request", "file": "workflows/archive.yaml", "line": 8},
{"path": "steps[1]", "name": "customer", "role": "http", "file": "workflows/archive.yaml", "line": 8},
{"path": "steps[1]", "name": "customer", "role": "response", "file": "workflows/archive.yaml", "line": 8},
{"path": "steps[2]", "name": null, "role": "request", "file": "workflows/archive.yaml", "line": 13},
{"path": "steps[2]", "name": null, "role": "http", "file": "workflows/archive.yaml", "line": 13},
{"path": "steps[3]", "name": null, "role": "request", "file": "workflows/archive.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "retry", "file": "workflows/archive.yaml", "line": 17},
{"path": "steps[3]", "name": null, "role": "http", "file": "workflows/archive.yaml", "line": 17},
{"path": "steps[4]", "name": null, "role": "request", "file": "workflows/archive.yaml", "line": 20},
{"path": "steps[4]", "name": null, "role": "http", "file": "workflows/archive.yaml", "line": 20},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
