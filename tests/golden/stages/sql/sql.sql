-- written by perdure: sql, version 1, for target perdure
-- Compiled from workflows/sql.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: f6037793ead40849c5f5e86da959e229d155fa4b38d3d734a37b2aefdd4fd848

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.sql_v1(
  customer_id bigint,
  tags text[] default cast(null as text[])
)
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  if customer_id is null then
    raise null_value_not_allowed using
      message = 'input customer_id of sql may not be null';
  end if;
  return df.start(
    df.seq(
      -- steps[0] one
      df.as(
        df.sql($sql$
          with step as (
            select id, name, note   -- the note may be null
            from shop.customers where id = ($input.customer_id)::bigint
          )
          select name, note
          from step
        $sql$),
        'r1_one'
      ),
      -- steps[1] placed
      df.as(
        df.sql($sql$
          with c as (select id, email from shop.customers where id = ($input.customer_id)::bigint),
          step as (
            insert into shop.orders (customer_id, total, email, tags) select c.id, 0, c.email, ($input.tags)::text[] from c returning id, tags, placed_at
          )
          select tags::text as tags, to_jsonb(placed_at) #>> '{}' as placed_at
          from step
        $sql$),
        'r2_placed'
      ),
      -- steps[2] many
      df.as(
        df.sql($sql$
          with step as (
            select id, total, tags, placed_at - now() as age from shop.orders order by id
          )
          select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items
          from (select id, total::text as total, tags::text as tags, age::text as age from step) as s
        $sql$),
        'r3_many'
      ),
      -- steps[3] counted
      df.as(
        df.sql($sql$
          with step as (
            update shop.orders set status = 'seen' where customer_id = ($input.customer_id)::bigint
            returning 1 as ok
          )
          select count(*) as rows_affected from step
        $sql$),
        'r4_counted'
      ),
      -- steps[4]
      df.sql($sql$
        insert into shop.audit (what, data)
        select 'order ' || m.id, to_jsonb(m) from (select t.id, t.total, t.tags, t.age from jsonb_to_recordset(($r3_many.items?)::jsonb) as t(id bigint, total numeric(12,2), tags text[], age interval)) m where m.total > 0
      $sql$),
      -- steps[5]
      df.sql($sql$
        insert into shop.audit (what) select total::text from (select t.id, t.total, t.tags, t.age from jsonb_to_recordset(($r3_many.items?)::jsonb) as t(id bigint, total numeric(12,2), tags text[], age interval)) as many where age > '1 day'
      $sql$),
      -- steps[6]
      df.sql($sql$
        insert into shop.audit (what) values
          (E'costs \x24order or \x7bsys_label}' || E'\t$1' || E' and \x24x in \x7ba} ' || coalesce(($r1_one.note?)::text, ''))
      $sql$),
      -- steps[7]
      df.sql($sql$
        select jsonb_build_object('name', ($r1_one.name?)::text, 'note', ($r1_one.note?)::text, 'tags', ($r2_placed.tags?)::text[], 'at', ($r2_placed.placed_at?)::timestamp with time zone, 'count', ($r4_counted.rows_affected)::bigint, 'text', coalesce(($r1_one.name?)::text, '') || ' has ' || (($r4_counted.rows_affected)::bigint)::text || ' orders', 'fixed', jsonb_build_array(1, true, null, '1')) as result
      $sql$)
    ),
    'sql@1',
    input => pg_catalog.jsonb_build_object(
      'customer_id', customer_id,
      'tags', tags::text
    )
  );
end
$workflow$;

comment on function workflows.sql_v1(bigint, text[]) is 'sql, version 1';

create function workflows.sql(
  customer_id bigint,
  tags text[] default cast(null as text[])
)
returns text
language sql
volatile
as $current$
  select workflows.sql_v1(customer_id, tags)
$current$;

comment on function workflows.sql(bigint, text[]) is 'Starts a run of sql, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'sql',
  1,
  'f6037793ead40849c5f5e86da959e229d155fa4b38d3d734a37b2aefdd4fd848',
  'customer_id bigint, tags text[] default cast(null as text[])',
  $source$workflow: sql
input:
  customer_id: bigint
  tags: text[]?
steps:
  - name: one            # proved by the primary key, and read
    sql: |
      select id, name, note   -- the note may be null
      from shop.customers where id = :customer_id
  - name: placed
    sql: >-
      with c as (select id, email from shop.customers where id = :customer_id)
      insert into shop.orders (customer_id, total, email, tags)
      select c.id, 0, c.email, :tags from c returning id, tags, placed_at
    expect: maybe
  - name: many
    sql: select id, total, tags, placed_at - now() as age from shop.orders order by id
  - name: counted
    sql: update shop.orders set status = 'seen' where customer_id = :customer_id;
  - sql: |
      insert into shop.audit (what, data)
      select 'order ' || m.id, to_jsonb(m) from :many.* m where m.total > 0
  - sql: insert into shop.audit (what) select total::text from :many.* where age > '1 day'
  - sql: |
      insert into shop.audit (what) values
        ('costs $order or {sys_label}' || E'\t$1' || $$ and $x in {a} $$ || coalesce(:one.note, ''))
  - return:
      name: $$source$ || '{' || $source$one.name}
      note: $$source$ || '{' || $source$one.note}
      tags: $$source$ || '{' || $source$placed.tags}
      at: $$source$ || '{' || $source$placed.placed_at}
      count: $$source$ || '{' || $source$counted.rows_affected}
      text: "$$source$ || '{' || $source$one.name} has $$source$ || '{' || $source$counted.rows_affected} orders"
      fixed: [1, true, null, "1"]
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "one", "role": "sql", "file": "workflows/sql.yaml", "line": 7},
{"path": "steps[1]", "name": "placed", "role": "sql", "file": "workflows/sql.yaml", "line": 11},
{"path": "steps[2]", "name": "many", "role": "sql", "file": "workflows/sql.yaml", "line": 17},
{"path": "steps[3]", "name": "counted", "role": "sql", "file": "workflows/sql.yaml", "line": 19},
{"path": "steps[4]", "name": null, "role": "sql", "file": "workflows/sql.yaml", "line": 20},
{"path": "steps[5]", "name": null, "role": "sql", "file": "workflows/sql.yaml", "line": 23},
{"path": "steps[6]", "name": null, "role": "sql", "file": "workflows/sql.yaml", "line": 24},
{"path": "steps[7]", "name": null, "role": "return", "file": "workflows/sql.yaml", "line": 27}
]$map$,
  '0.1.0',
  'perdure'
);
