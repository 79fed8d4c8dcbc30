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
