-- written by perdure: reminders, version 1, for target pg_durable>=0.2.6, effects once
-- Compiled from workflows/reminders.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 17b9ac76ddb1b4d64d19cc3b5294af1d5550ad4a683d92a642624a402b9d9cbc

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create schema if not exists workflows;

create function workflows.reminders_v1()
returns text
language plpgsql
volatile
set search_path = public
as $workflow$
begin
  return df.start(
    df.seq(
      df.seq(
        df.seq(
          -- steps[0] open_orders
          df.as(
            df.sql($sql$
              select r.row ->> 'items' as items
              from (select perdure.perform(array['with step as (
                select id, email, total from shop.orders where status = ''new'' order by id
              )
              select coalesce(jsonb_agg(to_jsonb(s.*)), ''[]'')::text as items
              from (select id, email from step) as s'], array['']::text[],
                array[]::text[], array[]::integer[],
                p_run => '{sys_instance_id}', p_entry => '1') -> 0 -> 0 as row) as r
            $sql$),
            'r1_open_orders'
          ),
          -- steps[1] told
          df.as(
            df.sql($sql$
              select perdure.keep_items('{sys_instance_id}', coalesce(jsonb_agg(to_jsonb(q.*)), '[]')) as list
              from (select id as id, email as email
              from (select t.id, t.email from jsonb_to_recordset(($r1_open_orders.items?)::jsonb) as t(id bigint, email text)) as s) as q
            $sql$),
            'w1_list'
          )
        ),
        df.seq(
          -- steps[1] told
          df.join(
            df.seq(
              df.as(df.sql($sql$select 0 as place$sql$), 'r2_o'),
              df.loop(
                df.seq(
                  df.seq(
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '2/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '3/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    ),
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '4/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '5/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    )
                  ),
                  df.seq(
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '6/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '7/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    ),
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '8/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 1, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '9/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.1', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.1') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    )
                  )
                )
              )
            ),
            df.seq(
              df.as(df.sql($sql$select 0 as place$sql$), 'r2_o'),
              df.loop(
                df.seq(
                  df.seq(
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '10/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '11/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    ),
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '12/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '13/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    )
                  ),
                  df.seq(
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '14/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '15/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    ),
                    df.seq(
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '16/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      ),
                      df.seq(
                        df.seq(
                          df.as(
                            df.sql($sql$
                              select n.place as place, n.item ->> 'email' as email, n.item ->> 'id' as id
                              from perdure.next_item(($w1_list.list)::uuid, 2, ($r2_o.place?)::bigint) as n
                            $sql$),
                            'r2_o'
                          ),
                          df.if(
                            $sql$select ($r2_o.place?)::bigint is null as ok$sql$,
                            df.break(),
                            df.seq(
                              -- steps[1].do[0] noted
                              df.as(
                                df.sql($sql$
                                  select r.value ->> 'id' as id
                                  from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['noted'],
                                    array['insert into shop.audit (what) values (''told '' || (($1)[1])::text) returning id'], array['']::text[],
                                    array[($r2_o.email?)::text]::text[], array[1]::integer[], p_entry => '17/' || ($w1_list.list)::text || '.' || ($r2_o.place)::text) as a
                                  left join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true
                                  limit 1
                                $sql$),
                                'r3_noted'
                              ),
                              df.sql($sql$
                                select a.ok
                                from perdure.attempt('{sys_instance_id}', ($w1_list.list)::text || '.2', array['told'],
                                  array['select perdure.keep_result((($1)[1])::uuid, (($1)[2])::bigint, to_jsonb(c.*)) as ok
                                from (select (($1)[3])::bigint as id, (($1)[4])::bigint as note) as c'], array[null]::text[],
                                  array[($w1_list.list?)::text, ($r2_o.place?)::text, ($r2_o.id?)::text, ($r3_noted.id?)::text]::text[], array[1, 2, 3, 4]::integer[]) as a
                              $sql$)
                            )
                          )
                        ),
                        df.if(
                          $sql$
                            select perdure.is_fine('{sys_instance_id}', ($w1_list.list)::text || '.2') as ok
                          $sql$,
                          df.sql($sql$select 1 as nothing$sql$),
                          df.seq(
                            df.sql($sql$
                              select perdure.stop_items(($w1_list.list)::uuid) as ok
                            $sql$),
                            df.break()
                          )
                        )
                      )
                    )
                  )
                )
              )
            )
          ),
          -- steps[1] told
          df.sql($sql$
            select perdure.raise_failure('{sys_instance_id}', array[($w1_list.list)::text || '.1', ($w1_list.list)::text || '.2']) as ok
          $sql$)
        )
      ),
      df.seq(
        df.seq(
          -- steps[1] told, result
          df.as(
            df.sql($sql$
              select coalesce(jsonb_agg(to_jsonb(r4_items.*)), '[]')::text as items
              from perdure.item_results(($w1_list.list)::uuid) as r4_items
            $sql$),
            'r5_told'
          ),
          -- steps[2]
          df.as(
            df.sql($sql$
              select perdure.perform(
                array[
                  'select count(*) as n from (select t.id, t.note from jsonb_to_recordset((($1)[1])::jsonb) as t(id bigint, note bigint)) t',
                  'select perdure.assert(coalesce(((($1)[2])::bigint > 0)::boolean, false), ''nobody was told'') as ok',
                  'insert into shop.audit (what) values (''told '' || (($1)[2])::bigint)'
                ], array['n', null, null]::text[],
                array[($r5_told.items?)::text]::text[], array[2]::integer[], p_run => '{sys_instance_id}', p_entry => '18')::text as rows
            $sql$),
            'w2_transaction'
          )
        ),
        df.seq(
          -- steps[2].transaction[0] counted
          df.as(
            df.sql($sql$
              select r.row ->> 'n' as n
              from (select ($w2_transaction.rows?)::jsonb -> 0 -> 0 as row) as r
            $sql$),
            'r6_counted'
          ),
          -- steps[3]
          df.sql($sql$select to_jsonb(($r6_counted.n)::bigint) as result$sql$)
        )
      )
    ),
    'reminders@1'
  );
end
$workflow$;

comment on function workflows.reminders_v1() is 'reminders, version 1';

create function workflows.reminders()
returns text
language sql
volatile
as $current$
  select workflows.reminders_v1()
$current$;

comment on function workflows.reminders() is 'Starts a run of reminders, version 1';

insert into perdure.workflow_versions
  (name, version, digest, signature, source, source_map, compiler_version, target)
values (
  'reminders',
  1,
  '17b9ac76ddb1b4d64d19cc3b5294af1d5550ad4a683d92a642624a402b9d9cbc',
  '',
  $source$workflow: reminders
steps:
  - name: open_orders
    sql: select id, email, total from shop.orders where status = 'new' order by id
  - name: told
    foreach: o in open_orders
    max_parallel: 2
    do:
      - name: noted
        sql: insert into shop.audit (what) values ('told ' || :o.email) returning id
        expect: one
    collect: {id: "$$source$ || '{' || $source$o.id}", note: "$$source$ || '{' || $source$noted.id}"}
  - transaction:
      - name: counted
        sql: select count(*) as n from :told.* t
        expect: one
      - assert: counted.n > 0
        message: nobody was told
      - sql: insert into shop.audit (what) values ('told ' || :counted.n)
  - return: "$$source$ || '{' || $source$counted.n}"
$source$,
  $map$[
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[0]", "name": "open_orders", "role": "sql", "file": "workflows/reminders.yaml", "line": 4},
{"path": "steps[1]", "name": "told", "role": "items", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": "told", "role": "lanes", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "place", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "items", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "place", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "items", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "item", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "over", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1].do[0]", "name": "noted", "role": "sql", "file": "workflows/reminders.yaml", "line": 10},
{"path": "steps[1]", "name": "told", "role": "collect", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "fine", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "nothing", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "foreach", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "stop", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "break", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[1]", "name": "told", "role": "failed", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[1]", "name": "told", "role": "result", "file": "workflows/reminders.yaml", "line": 6},
{"path": "steps[2]", "name": null, "role": "transaction", "file": "workflows/reminders.yaml", "line": 13},
{"path": "steps", "name": null, "role": "workflow", "file": null, "line": null},
{"path": "steps[2].transaction[0]", "name": "counted", "role": "sql", "file": "workflows/reminders.yaml", "line": 15},
{"path": "steps[3]", "name": null, "role": "return", "file": "workflows/reminders.yaml", "line": 20}
]$map$,
  '0.1.0',
  'pg_durable>=0.2.6, effects once'
);
