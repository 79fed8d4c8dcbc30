-- What came to mind when looking for differences.

select df.start(('select 1.50::numeric as n, date ''2030-02-03'' as d, ''x''::text as t, true as b, ''{"a": {"b": [1,2]}}''::jsonb as j, array[1,2] as arr, null::int as z' |=> 'v')
 ~> 'insert into shop.audit (what, data) values ($v.t || $v.n || $v.d, ($v.j)::jsonb -> ''a'')'
 ~> 'insert into shop.audit (what) select ''b'' where $v.b'
 ~> 'insert into shop.audit (what) values (''n=$v.n d=$v.d t=$v.t b=$v.b'')'
 ~> 'insert into shop.audit (what) values (coalesce($v.z?, 5)::text)'
 ~> df.if('select $v.n > 1 and $v.d > date ''2030-01-01'' and $v.t = ''x''', 'insert into shop.audit (what) values (''yes'')', 'select 1'), 'types');

select df.start(('select placed_at as at, total from shop.orders where id = 1' |=> 'v')
 ~> df.if('select $v.at <= now()', 'insert into shop.audit (what) values (''past'')', 'insert into shop.audit (what) values (''future'')')
 ~> df.if('select $v.total', 'insert into shop.audit (what) values (''number'')', 'select 1')
 ~> df.if('select upper($v.total::text) = ''50.00''', 'insert into shop.audit (what) values (''eq'')', 'insert into shop.audit (what) values (''ne'')'), 'times');

select df.start(
  ('select id from shop.orders where total > 100' |=> 'many')
  ~> 'insert into shop.audit (what) select ''m'' || id from $many.* order by id'
  ~> df.loop(
     ('select count(*) as c from shop.audit' |=> 'c')
     ~> df.if('select $c.c > 4', df.break('{"n": 1}'), 'insert into shop.audit (what) values (''more'')')), 'tail_loop');

select df.start(
  df.loop(('select id from shop.orders where status = ''new'' order by id limit 1' |=> 'o')
    ~> df.if_rows('o', 'update shop.orders set status = ''seen'' where id = $o.id' ~> 'insert into shop.audit (what) values (''seen '' || $o.id)', df.break())), 'drain');

select df.start(
  df.if('select count(*) > 2 from shop.orders', ('select 1 as n' |=> 'r'), ('select 2 as n' |=> 'r'))
  ~> 'insert into shop.audit (what) values ($r.n::text)', 'both_arms');

select df.start(df.join(df.if('select true', 'select 5 as n' |=> 'a', 'select 6 as n' |=> 'a'), df.loop(('select 1 as n' |=> 'b') ~> df.break()))
  ~> 'insert into shop.audit (what) values (($a.n + $b.n)::text)', 'join_names');

-- set elsewhere: not = {not}
select df.start(('select ''it''''s {not} $5 : :x %'' as t' |=> 'w') ~> 'insert into shop.audit (what) values ($w.t)', 'hostile');
select df.start(('select status, count(*) from shop.orders group by status' |=> 'g') ~> 'insert into shop.audit (what) values ($g.status || $g.count)', 'grouped');
select df.start(('delete from shop.stock' |=> 'gone') ~> 'select 1', 'nothing_returned');
select df.start(('with x as (select 1 as a) select a, a + 1 from x' |=> 'cte') ~> 'insert into shop.audit(what) values ($cte.a::text)', 'cte');
select df.start('select df.now() is not null' ?> 'insert into shop.audit(what) values (''now'')', 'now');
select df.start(('select total from shop.orders where id = 2' |=> 'o') ~> df.if('SELECT $o.total BETWEEN 100 AND 200 OR $o.total IN (1,2)', 'insert into shop.audit(what) values (''in'')', 'select 1'), 'between');
select df.start(('select 1 as a, 2 as b union all select 3, 4 order by 1' |=> 'u') ~> 'insert into shop.audit(what) select a || '' '' || b from $u.*', 'union');
select df.start(df.seq('insert into shop.audit(what) values (''x'')', 'insert into shop.audit(what) values (''y'') returning what, id'), 'returning_last');
select df.start(df.race(df.seq(df.sleep(1), 'insert into shop.audit(what) values (''r1'')'), df.loop('insert into shop.audit(what) values (''spin'')' ~> df.sleep(100))), 'race_loop');
select df.start(df.try(df.seq('select 1 as a' |=> 'p', 'select $p.a / 0'), 'insert into shop.audit(what) values (''c'')') ~> df.try(df.sleep(5), finally => 'insert into shop.audit(what) values (''f'')'), 'tries');
select df.start(df.timeout('select pg_sleep(0)', '5 s') ~> df.retry(df.timeout(df.wait_for_signal('x'), '1 minute'), 2, '1 s', retry_on => '{PD031}'), 'timeouts');
select df.start(df.foreach('select id from shop.orders', df.if('select $item.id = 2', df.continue(), 'insert into shop.audit(what) values ($item.id::text)')), 'items_continue');
select df.start(df.foreach('select id from shop.orders order by 1', df.foreach('select g from generate_series(1, $o.id::int) g', 'insert into shop.audit(what) values ($o.id || ''-'' || $i.g)', 'i'), 'o'), 'nested_items');
-- comments everywhere
select /* inside */ df.start( -- after the parenthesis
  /* block
     of two lines */
  ('select 1 as a' |=> 'x') -- behind x
  ~> /* before y */ ('select 2 as a' |=> 'y')
  -- last words
  , 'comments' /* label */ ) as id; -- trailing

select df.start(df.sleep(1) ~> df.wait_for_signal('a') & df.sleep(2) ~> 'insert into shop.audit(what) values (''p'')', 'precedence');
select df.start(('select 1 as a' ~> 'select 2 as b') |=> 'both' ~> 'insert into shop.audit(what) values ($both.b::text)', 'seq_name');
select df.start('select 1 as n' |=> 'order' ~> 'insert into shop.audit(what) values ($order.n::text)', 'reserved');
select df.start('select 1 as n' |=> 'End' ~> 'insert into shop.audit(what) values ($End.n::text)', 'reserved_word');
select df.start('select 1 as "Mixed Case", 2 as "select"' |=> 'q' ~> 'insert into shop.audit(what) values ($q.select::text)', 'odd_columns');
select df.start(df.if('select 1', df.if('select 0', 'select 1', 'insert into shop.audit(what) values (''a'')'), 'select 2') & df.race('select 3', 'select 4'), 'tail_join');
select df.start(df.join('insert into shop.audit(what) values (''z'')', 'select 1/0'), 'failing_join');
select df.start('select 1/0' ~> 'insert into shop.audit(what) values (''never'')', 'failing');
select df.start(df.loop(df.if('select count(*) > 1 from shop.audit', df.break('5'), 'insert into shop.audit(what) values (''w'')')) |=> 'l' ~> 'insert into shop.audit(what) values ($l::text)', 'number_of_a_break');
select df.start(('select 1 as x' |=> 'a') ~> df.loop(('select $a.x + 1 as x' |=> 'a') ~> df.if('select $a.x >= 3', df.break())) ~> 'insert into shop.audit(what) values ($a.x::text)', 'after_the_loop');
select df.start('do $x$ begin insert into shop.audit(what) values (''do''); end $x$' ~> 'select 1', 'do_block');
select df.start('create temp table nope (a int)' ~> 'select 1', 'ddl');
select df.start(('select ''a,b'' as t, ''{"k": "v"}''::json as j' |=> 's') ~> 'insert into shop.audit(what) select unnest(string_to_array($s.t, '','')) || ($s.j::jsonb ->> ''k'')', 'string_functions');
select df.start(('select 2147483648 as big, 1e10::float8 as f, -5 as neg' |=> 'n') ~> 'insert into shop.audit(what) values (($n.big + $n.neg)::text || '' '' || $n.f)', 'numbers');
select df.start(df.seq(df.seq('select 1', df.seq('select 2')), 'select 3 as c'), 'nested_seq');
select df.start(df.wait_for_signal('never_comes', 2) |=> 'sig' ~> df.if('select ($sig)::jsonb ->> ''timed_out'' = ''true''', 'insert into shop.audit(what) values (''to'')', 'select 1'), 'timed_out_text');
select df.start(df.wait_for_signal('x', 2), 'signal_last');
select df.start(('select id, total from shop.orders order by id limit 1' |=> 'o') ~> ('select * from shop.orders where id = $o' |=> 'whole') ~> 'insert into shop.audit(what) values ($whole.email)', 'star_by_column');
select df.start('select null::text as t' |=> 'n' ~> df.if('select $n.t? is null', 'insert into shop.audit(what) values (''null'')', 'select 1'), 'null_read');
