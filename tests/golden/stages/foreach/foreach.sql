-- written by perdure: foreach, version 1, for target perdure
-- Compiled from workflows/foreach.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: a7f260d60554ea6c2210a8ef6e85b723631168d0799ddb9164e18922b969777f

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.foreach_v1()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      -- steps[0] orders
      df.as(
        df.sql($sql$
          with step as (
            select id, email, total, tags, status from shop.orders
          )
          select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items
          from (select id, email, total::text as total, tags::text as tags from step) as s
        $sql$),
        'r1_orders'
      ),
      -- steps[1] told
      df.as(
        df.foreach(
          $sql$
            select id as id, email as email, total::text as total, tags::text as tags
            from (select t.id, t.email, t.total, t.tags from jsonb_to_recordset(($r1_orders.items?)::jsonb) as t(id bigint, email text, total numeric(12,2), tags text[])) as s
          $sql$,
          df.seq(
            -- steps[1].do[0]
            df.if(
              $sql$
                select coalesce((($r2_o.id)::bigint < 0)::boolean, false) as ok
              $sql$,
              -- steps[1].do[0].then[0]
              df.continue()
            ),
            -- steps[1].do[1] hook, request
            df.as(
              df.sql($sql$
                select 'https://hooks.example.com/orders/' || perdure.url_encode((($r2_o.id)::bigint)::text) as url, (jsonb_build_object('tags', ($r2_o.tags?)::text[]))::text as body
              $sql$),
              'r3_request'
            ),
            -- steps[1].do[1] hook
            df.as(
              df.http(
                '$r3_request.url',
                'POST',
                '$r3_request.body',
                '{"content-type": "application/json"}'::jsonb
              ),
              'r4_hook'
            ),
            -- steps[1].do[2] stock
            df.as(
              df.sql($sql$
                with step as (
                  select id from shop.stock where order_id = ($r2_o.id)::bigint
                )
                select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items
                from (select id from step) as s
              $sql$),
              'r5_stock'
            ),
            -- steps[1].do[3]
            df.foreach(
              $sql$
                select id as id
                from (select t.id from jsonb_to_recordset(($r5_stock.items?)::jsonb) as t(id bigint)) as s
              $sql$,
              -- steps[1].do[3].do[0]
              df.sql($sql$
                update shop.stock set reserved = 0 where id = ($r6_s.id)::bigint
              $sql$),
              'r6_s'
            )
          ),
          'r2_o',
          max_parallel => 10,
          collect => $sql$
            select ($r2_o.id)::bigint as id, ((($r2_o.total)::numeric(12,2))::numeric)::text as total, ('<' || ($r2_o.email)::text || '>')::text as "to", (($r4_hook)::jsonb ->> 'ok')::boolean as ok, 1::integer as one, (jsonb_build_object('a', jsonb_build_array(1)))::text as doc
          $sql$
        ),
        'r7_items'
      ),
      -- steps[1] told, result
      df.as(
        df.sql($sql$
          select coalesce(jsonb_agg(to_jsonb(r7_items.*)), '[]')::text as items
          from $r7_items.*
        $sql$),
        'r8_told'
      ),
      -- steps[2]
      df.sql($sql$
        insert into shop.audit (what, data) select t.to, t.doc from (select t.id, t.total, t."to", t.ok, t.one, t.doc::jsonb as doc from jsonb_to_recordset(($r8_told.items?)::jsonb) as t(id bigint, total numeric, "to" text, ok boolean, one integer, doc text)) t where t.ok
      $sql$),
      df.sql($sql$select null::jsonb as result$sql$)
    ),
    'foreach@1'
  );
end
$workflow$;

comment on function workflows.foreach_v1() is 'foreach, version 1';

create function workflows.foreach()
returns text
language sql
volatile
as $current$
  select workflows.foreach_v1()
$current$;

comment on function workflows.foreach() is 'Starts a run of foreach, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'foreach',
  1,
  'a7f260d60554ea6c2210a8ef6e85b723631168d0799ddb9164e18922b969777f',
  '',
  $source$workflow: foreach
steps:
  - name: orders
    sql: select id, email, total, tags, status from shop.orders
  - name: told
    foreach: o in orders
    max_parallel: 10
    do:
      - if: o.id < 0
        then: [continue]
      - name: hook
        http: POST https://hooks.example.com/orders/$$source$ || '{' || $source$o.id}
        json: {tags: "$$source$ || '{' || $source$o.tags}"}
      - name: stock
        sql: select id from shop.stock where order_id = :o.id
      - foreach: s in stock
        do:
          - sql: update shop.stock set reserved = 0 where id = :s.id
    collect: {id: "$$source$ || '{' || $source$o.id}", total: "$$source$ || '{' || $source$o.total}", to: "<$$source$ || '{' || $source$o.email}>", ok: "$$source$ || '{' || $source$hook.ok}", one: 1, doc: {a: [1]}}
  - sql: insert into shop.audit (what, data) select t.to, t.doc from :told.* t where t.ok
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "orders", "role": "sql", "file": "workflows/foreach.yaml", "line": 4},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/foreach.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "body", "file": "workflows/foreach.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": null, "role": "if", "file": "workflows/foreach.yaml", "line": 9},
{"path": "steps[1].do[0]", "name": null, "role": "condition", "file": "workflows/foreach.yaml", "line": 9},
{"path": "steps[1].do[0].then[0]", "name": null, "role": "continue", "file": "workflows/foreach.yaml", "line": 10},
{"path": "steps[1].do[1]", "name": "hook", "role": "request", "file": "workflows/foreach.yaml", "line": 12},
{"path": "steps[1].do[1]", "name": "hook", "role": "http", "file": "workflows/foreach.yaml", "line": 12},
{"path": "steps[1].do[2]", "name": "stock", "role": "sql", "file": "workflows/foreach.yaml", "line": 15},
{"path": "steps[1].do[3]", "name": null, "role": "foreach", "file": "workflows/foreach.yaml", "line": 16},
{"path": "steps[1].do[3].do[0]", "name": null, "role": "sql", "file": "workflows/foreach.yaml", "line": 18},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/foreach.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "result", "file": "workflows/foreach.yaml", "line": 6},
{"path": "steps[2]", "name": null, "role": "sql", "file": "workflows/foreach.yaml", "line": 20},
{"path": "steps", "name": null, "role": "result", "file": null, "line": null}
]$map$,
  '0.1.0',
  'perdure'
);
