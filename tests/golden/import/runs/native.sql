-- Nodes that only Perdure's runtime has.

select df.start(
  df.try(
    'select 1 / 0',
    'insert into shop.audit (what) values (''caught '' || $err.sqlstate)',
    finally => 'insert into shop.audit (what) values (''at last'')'),
  'try');

select df.start(
  df.try(
    df.try('select 1 / 0', df.seq('insert into shop.audit (what) values (''passed on'')', df.raise())),
    'insert into shop.audit (what) values (''outer '' || $problem.sqlstate)',
    'problem'),
  'raise');

select df.start(
  df.retry('select 1 / 0', 2, '1 second', retry_on => array['22012']),
  'retry_of_a_statement');

select df.start(
  df.retry(df.seq('insert into shop.audit (what) values (''try'')', 'select 1 / 0'),
    max_attempts => 3, backoff => '10 seconds', factor => 1, jitter => false, retry_on => '{22012}'),
  'retry_of_a_sequence');

select df.start(
  df.try(df.timeout(df.sleep(3600), '10 minutes'),
    'insert into shop.audit (what) values ($err.sqlstate)'),
  'timeout');

select df.start(
  df.foreach(
    'select id, email from shop.orders order by id',
    'insert into shop.audit (what) values (''mail '' || $item.email)'),
  'foreach');

select df.start(
  df.as(df.foreach(
    'select id, total from shop.orders order by id',
    'select $o.total * 2 as twice' |=> 'd',
    item_name => 'o', max_parallel => 3,
    collect => 'select $o.id as id, $d.twice as twice'), 'all')
  ~> 'insert into shop.audit (what) select id || '' '' || twice from $all.* order by id',
  'foreach_with_collect');

select df.start(
  df.transaction(
    df.as('insert into shop.audit (what) values (''in one'') returning id', 'a'),
    'insert into shop.audit (what) values (''with '' || $a.id)'),
  'transaction');

select df.start(
  df.repeat('insert into shop.audit (what) values (''again'')',
    while_condition => 'select count(*) < 3 from shop.audit', every => '1 minute'),
  'repeat_while');

select df.start(
  ('select 0 as n' |=> 'k')
  ~> df.repeat('select $k.n + 1 as n' |=> 'k', until_condition => 'select $k.n >= 3')
  ~> 'insert into shop.audit (what) values (''k '' || $k.n)',
  'repeat_until');

select df.start(
  df.if('select true', df.return('select 7 as seven'), 'select 1')
  ~> 'insert into shop.audit (what) values (''never'')',
  'return');

select df.start(
  df.sleep_for('select interval ''2 minutes'' * 2') ~> df.sleep_until('select df.now() + interval ''1 hour''')
  ~> 'insert into shop.audit (what) values (''slept'')',
  'computed_sleep');

select df.start(
  'select id from shop.orders where id = ($input.order_id)::bigint and email = $input.email' |=> 'o'
  ~> 'insert into shop.audit (what) values (''input '' || $o.id)',
  'inputs', input => '{"order_id": 2, "email": "b@example.com"}');

select df.start(
  df.loop(
    ('insert into shop.audit (what) values (''r'') returning id' |=> 'made')
    ~> df.if('select $made.id < 3', df.continue(), df.break())),
  'continue');

select df.start(
  df.foreach('select id, email from shop.orders order by id',
    df.seq(
      df.if('select $item.id = 3', df.break()),
      'insert into shop.audit (what) values ($item.email)'))
  ~> 'insert into shop.audit (what) values (''after'')',
  'break_of_a_foreach');

select df.start(
  (df.loop(
    df.foreach('select id from shop.orders order by id',
      df.if('select $item.id = 2', df.break('9'), 'insert into shop.audit (what) values (''item '' || $item.id)'))
    ~> df.break('5')) |=> 'x')
  ~> 'insert into shop.audit (what) values (($x + 1)::text)',
  'break_of_a_foreach_in_a_loop');

select df.start(
  df.as(df.foreach('select id from shop.orders order by id',
    df.if('select $item.id = 3', df.break()), collect => 'select $item.id as k'), 'all')
  ~> 'insert into shop.audit (what) select ''k '' || k from $all.* order by k',
  'break_of_a_foreach_with_collect');
