/* What is compiled, and not run beside the original:
   for ever, at other times, or started from elsewhere. */

-- Every Monday, as pg_durable counts.
select df.start(@> (df.wait_for_schedule('0 9 * * 2') ~> 'select 1'), 'weekly report');

select df.start(df.loop('insert into shop.audit (what) values (''beat'')'), 'heartbeat');

select df.start(df.loop('delete from shop.audit' ~> df.sleep(86400), 'select true', true), 'continue_on_failure');

insert into shop.audit (what) select df.start('select 1' ~> 'select 2', 'from an insert');

do $$
declare
  v_order bigint := 5;
begin
  perform df.start('update shop.orders set status = ''seen'' where id = ' || v_order
    ~> format('insert into shop.audit (what) values (%L)', v_note), 'from_a_block');
end $$;

create function shop.begin(p_order bigint, p_mail text) returns text language sql as $fn$
  select df.start(
    'update shop.orders set email = ' || quote_literal(p_mail) || ' where id = ' || p_order::text,
    'from_a_function');
$fn$;

select df.start(
  df.wait_for_signal('approve-order') ~> 'insert into shop.audit (what) values (''run {sys_instance_id}'')',
  'names with - and spaces');

select df.start(df.if(df.wait_for_signal('go', 5), 'select 1', 'select 2'), 'condition_without_a_statement');

select df.start('vacuum shop.audit', 'maintenance');

select df.start(
  ('select id from shop.orders' |=> 'o') ~> 'update shop.orders set status = ''x'' where id = $o',
  'one_of_several');

select df.start('select df.signal($input.parent, ''done'', ''{"ok": true, "n": 2}'')', 'signals_another',
  input => '{"parent": "0a1b2c3d"}');

\echo it's a command of psql
select df.start('select 1 as a' ~> 'delete from shop.audit', 'with_options',
  timeout => '1 hour', concurrency_key => 'shop', concurrency_limit => 2, key => 'once') \gset
