-- Conditions.

select df.start(
  ('select total from shop.orders where id = 3' |=> 'ord')
  ~> df.if('select $ord.total > 1000',
    'insert into shop.audit (what) values (''large'')',
    'insert into shop.audit (what) values (''small'')'),
  'if_expression');

select df.start(
  'select exists (select from shop.orders where total > 5000)'
  ?> 'insert into shop.audit (what) values (''yes'')'
  !> 'insert into shop.audit (what) values (''no'')',
  'if_operators');

select df.start(
  'insert into shop.audit (what) values (''before'')'
  ~> 'select count(*) > 2 from shop.orders'
  ?> ('insert into shop.audit (what) values (''many'')' ~> 'insert into shop.audit (what) values (''really'')')
  !> 'insert into shop.audit (what) values (''few'')'
  ~> 'insert into shop.audit (what) values (''after'')',
  'condition_is_a_sequence');

select df.start(
  df.if('select count(*) from shop.orders where id < 0',
    'insert into shop.audit (what) values (''some'')',
    'insert into shop.audit (what) values (''none'')'),
  'number_as_condition');

select df.start(
  df.if('select note from shop.customers where id = 1',
    'insert into shop.audit (what) values (''noted'')',
    'insert into shop.audit (what) values (''not noted'')'),
  'text_as_condition');

select df.start(
  df.if('select status = ''new'' from shop.orders where id = 99',
    'insert into shop.audit (what) values (''new'')',
    'insert into shop.audit (what) values (''no such row'')'),
  'no_row');

select df.start(
  df.if('select ''off''', 'insert into shop.audit (what) values (''off is true'')', 'select 0'),
  'strange_truth');

select df.start(
  df.if('select true', df.if('select false', 'select 1',
    df.if('select null::boolean', 'select 2', 'insert into shop.audit (what) values (''deep'')')), 'select 3'),
  'nested');

select df.start(
  ('select id, total from shop.orders where total > 9999 limit 1' |=> 'found')
  ~> df.if_rows('found',
    'insert into shop.audit (what) values (''found '' || $found.id)',
    'insert into shop.audit (what) values (''nothing'')'),
  'if_rows_empty');

select df.start(
  ('select id, total from shop.orders where total > 100 order by id limit 1' |=> 'found')
  ~> df.if_rows('found',
    'insert into shop.audit (what) values (''found '' || $found.id)',
    'insert into shop.audit (what) values (''nothing'')'),
  'if_rows');

select df.start(
  df.as(df.if('select 1 = 1', 'select 10 as n', 'select 20 as n'), 'r')
  ~> 'insert into shop.audit (what) values (''r '' || $r.n)',
  'name_of_an_if');

select df.start(
  ('select total > 100 as ok, total from shop.orders where id = 2' |=> 'o')
  ~> df.if('select $o.ok', 'insert into shop.audit (what) values (''ok'')', 'select 1'),
  'column_as_condition');

select df.start(
  df.if('select 2 > 1 and not exists (select from shop.audit)',
    'insert into shop.audit (what) values (''both'')', 'select 1'),
  'mixed_condition');

select df.start(
  df.if('select total - 50 from shop.orders where id = 1',
    'insert into shop.audit (what) values (''not nought'')',
    'insert into shop.audit (what) values (''nought, as 0.00'')'),
  'a_numeric_nought');

select df.start(
  df.if('select 1, false', 'insert into shop.audit (what) values (''first'')', 'select 1')
  ~> df.if('select false, 1, 2', 'select 1', 'insert into shop.audit (what) values (''else'')')
  ~> df.if('select '' 0 ''', 'select 1', 'insert into shop.audit (what) values (''a nought in text'')'),
  'columns_without_names');

select df.start(
  df.if('select count(*) = 3 from shop.orders',
    'select 1 as n' |=> 'x',
    'insert into shop.audit (what) values (''not three'')' ~> ('select 2 as m' |=> 'y'))
  ~> 'insert into shop.audit (what) values (coalesce($x.n?::text, ''no x'') || coalesce($y.m?::text, '' no y''))',
  'bound_in_the_first_arm');

select df.start(
  df.if('select count(*) = 4 from shop.orders',
    'insert into shop.audit (what) values (''four'')' ~> ('select 1 as n' |=> 'x'),
    'insert into shop.audit (what) values (''not four'')' ~> ('select 2 as m' |=> 'y'))
  ~> 'insert into shop.audit (what) values (coalesce($x.n?::text, ''no x'') || coalesce($y.m?::text, '' no y''))',
  'bound_in_the_second_arm');

select df.start(
  ('select count(*) as n from shop.orders' |=> 'c')
  ~> (df.if('select $c.n > 3', 'select total from shop.orders where id = 1') |=> 'x')
  ~> 'insert into shop.audit (what) values (coalesce($x.total?::text, ''none''))',
  'name_of_an_arm_alone');

select df.start(
  df.if('select count(*) = 3 from shop.orders',
    df.if('select count(*) = 2 from shop.orders', 'select 1 as n' |=> 'x', 'select 1'),
    'select 2 as n' |=> 'x')
  ~> 'insert into shop.audit (what) values (coalesce($x.n?::text, ''none''))',
  'bound_in_an_arm_of_an_arm');

select df.start(
  df.if('select count(*) = 3 from shop.orders', 'select 1 as n' |=> 'x', df.return('select 2 as n'))
  ~> 'insert into shop.audit (what) values ($x.n::text)',
  'bound_where_it_goes_on');
