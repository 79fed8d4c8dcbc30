-- Names of results, and how they are read.

select df.start(
  'select id, total from shop.orders where id = 2' |=> 'ord'
  ~> 'insert into shop.audit (what) values (''total '' || $ord.total)',
  'one_column');

select df.start(
  ('select id from shop.orders where total > 1000' |=> 'big')
  ~> 'insert into shop.audit (what) select ''big '' || id from shop.orders where id = $big',
  'first_column');

select df.start(
  df.as('select count(*) from shop.orders', 'n')
  ~> 'insert into shop.audit (what) values (''counted '' || $n)',
  'unnamed_column');

select df.start(
  ('select 20 + 1, ''x''' |=> 'v')
  ~> 'insert into shop.audit (what) values (''value '' || $v)',
  'no_name_at_all');

select df.start(
  ('insert into shop.audit (what) values (''new'') returning id, what' |=> 'made')
  ~> 'insert into shop.audit (what) values (''after '' || $made.what)',
  'returning');

select df.start(
  ('select id, email from shop.orders order by id' |=> 'batch')
  ~> 'insert into shop.audit (what) select email from $batch.* where id > 1 order by id',
  'row_set');

select df.start(
  ('select id from shop.orders where id = -1' |=> 'none')
  ~> 'insert into shop.audit (what) values (coalesce($none.id?, 0) || '' found'')',
  'optional');

select df.start(
  ('select email, note from (values (''a@example.com'', null::text)) v (email, note)' |=> 'c')
  ~> 'insert into shop.audit (what) values (''mail to $c.email now'')'
  ~> 'insert into shop.audit (what) values (''$c.email'')',
  'inside_of_literals');

select df.start(
  ('select 3 as days' |=> 'd')
  ~> 'insert into shop.audit (what) values (to_char(date ''2030-01-01'' + interval ''$d.days days'', ''DD''))',
  'typed_literal');

select df.start(
  'select 1 as a' |=> 'x'
  ~> 'select $x.a + 1 as a' |=> 'y'
  ~> 'insert into shop.audit (what) values (''y '' || $y.a)',
  'name_of_a_sequence');

select df.start(
  ('select 1 as n' |=> 'x') ~> ('select $x.n + 1 as n' |=> 'x') ~> ('select $x.n * 10 as n' |=> 'x')
  ~> 'insert into shop.audit (what) values (''x '' || $x.n)',
  'bound_again');

select df.start(
  ('select -3 as n' |=> 'x') ~> 'insert into shop.audit (what) values (''minus '' || (10 -$x.n))',
  'negative');

select df.start('select id, email from shop.orders order by id', 'rows_as_result');

select df.start('select count(*) as orders, max(total) as most from shop.orders', 'row_as_result');

select df.start(
  ('select 5 as five' |=> 'x') ~> 'insert into shop.audit (what) values ($$five is not replaced$$ || $x.five)',
  'dollar_body');
