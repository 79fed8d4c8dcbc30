-- Loops.

select df.start(
  df.loop(
    'insert into shop.audit (what) values (''round'')',
    'select count(*) < 3 from shop.audit')
  ~> 'insert into shop.audit (what) values (''done'')',
  'do_while');

select df.start(
  @> (
    ('insert into shop.audit (what) values (''tick'') returning id' |=> 'made')
    ~> df.if('select $made.id >= 3', df.break(), df.sleep(10))
  )
  ~> 'insert into shop.audit (what) values (''out'')',
  'break_out');

select df.start(
  df.loop(
    'insert into shop.audit (what) values (''once'')'
    ~> df.break('{"status": "ended", "n": 2}')),
  'value_of_a_break');

select df.start(
  ('select 0 as n' |=> 'c')
  ~> df.loop(
    ('select $c.n + 1 as n' |=> 'c') ~> 'insert into shop.audit (what) values (''n '' || $c.n)',
    'select $c.n < 3'),
  'carried_state');

select df.start(
  df.loop(
    df.loop('insert into shop.audit (what) values (''inner'')', 'select false')
    ~> 'insert into shop.audit (what) values (''outer'')'
    ~> df.if('select count(*) >= 4 from shop.audit', df.break('x'), 'select 1')),
  'loop_in_a_loop');

select df.start(
  df.join(
    df.loop('insert into shop.audit (what) values (''a'')', 'select count(*) < 2 from shop.audit where what = ''a'''),
    df.loop('insert into shop.audit (what) values (''b'')', 'select count(*) < 2 from shop.audit where what = ''b'''))
  ~> 'insert into shop.audit (what) values (''end'')',
  'loops_in_a_join');

select df.start(
  (df.loop('select 1' ~> df.break('stopped')) |=> 'how')
  ~> 'insert into shop.audit (what) values (''loop '' || $how)',
  'result_of_a_loop');

select df.start(
  (df.loop(df.break('{"k": 5, "s": "it''s", "price": 2.50, "o": {"a": [1.0, null]}}')) |=> 'x')
  ~> 'insert into shop.audit (what) values ($x.k || ''-'' || $x.s || '' $x.price '' || ($x.k + 1))'
  ~> 'insert into shop.audit (what, data) values (''o'', $x.o::jsonb)'
  ~> 'insert into shop.audit (what, data) values (''x'', $x::jsonb)',
  'members_of_a_break');

select df.start(
  (df.loop(df.break('{"ok": false}')) |=> 'x')
  ~> df.if('select $x.ok', 'insert into shop.audit (what) values (''ok'')', 'insert into shop.audit (what) values (''not ok'')'),
  'truth_of_a_break');

select df.start(
  (df.loop(df.break('5')) |=> 'x') ~> (df.loop(df.break('true')) |=> 'y')
  ~> 'insert into shop.audit (what, data) values (($x + 1)::text || '' is $x '' || $x, $x::jsonb)'
  ~> df.if('select $y', 'insert into shop.audit (what) values (''y is $y'')'),
  'number_and_truth_of_a_break');

select df.start(
  (df.repeat(
    ('insert into shop.audit (what) values (''round'') returning id' |=> 'made')
    ~> df.if('select $made.id = 2', df.break('{"ok": true, "n": 1}'))
    ~> df.if('select $made.id > 2', df.break('{"ok": false, "n": 3000000000}'))) |=> 'x')
  ~> df.if('select $x.ok', 'insert into shop.audit (what) values (($x.n / 2)::text)'),
  'several_breaks');

select df.start(
  (df.loop(df.break('null')) |=> 'x') ~> 'insert into shop.audit (what) values (''is $x'')',
  'break_with_null');

select df.start(
  (df.loop(df.break()) |=> 'x') ~> (df.loop(df.break()) |=> 'y')
  ~> 'insert into shop.audit (what) values (''is $x'' || coalesce($y?, '' and none''))',
  'break_without_a_value');

select df.start(
  df.loop(
    ('insert into shop.audit (what) values (''round'') returning id' |=> 'made')
    ~> 'insert into shop.audit (what) values ((10 / ($made.id - 3))::text)',
    'select count(*) < 6 from shop.audit', true)
  ~> 'insert into shop.audit (what) values (''done'')',
  'condition_after_a_failure');

select df.start(
  ('select 0 as n' |=> 'c')
  ~> df.loop(
    ('select $c.n + 1 as n' |=> 'c') ~> 'insert into shop.audit (what) values ((10 / ($c.n - 2))::text)',
    'select $c.n < 4', true)
  ~> 'insert into shop.audit (what) values (''n '' || $c.n)',
  'state_carried_over_a_failure');
