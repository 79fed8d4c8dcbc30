-- Statements one after the other, in every notation.

select df.start('insert into shop.audit (what) values (''alone'')', 'one_statement');

select df.start(
  'insert into shop.audit (what) values (''first'')'
  ~> 'insert into shop.audit (what) values (''second'')'  -- the second
  -- and a third one
  ~> 'insert into shop.audit (what) values (''third'')',
  'three_in_a_row');

select df.start(
  df.seq('insert into shop.audit (what) values (''a'')',
    df.seq(df.sql('insert into shop.audit (what) values (''b'')'), $$insert into shop.audit (what) values ('c')$$)),
  label => 'calls');

select df.start(
  fut => df.seq(
    'insert into shop.audit (what) values (''one'')',
    'insert into shop.audit (what) values (''two'')'),
  label := 'named arguments');

select df.start('insert into shop.audit (what) '
  'values (''two literals'')', 'continued');

select df.start(E'insert into shop.audit (what) values (\'it\'\'s\\nhere\')', 'escaped');

select df.start('insert into shop.audit (what) values (' || quote_literal('put together') || ')', 'put_together');

select df.start(format('insert into shop.audit (what) values (%L)', 'formatted 100%'), 'formatted');

select df.start(
  $$
    insert into shop.audit (what)
    select 'order ' || id
      from shop.orders
     where total > 100
     order by id
  $$
  ~> $$select 1$$,
  'many_lines');

select df.start(
  -- take the order
  'insert into shop.audit (what) values (''order'')'
  -- tell the customer
  ~> 'insert into shop.audit (what) values (''customer'')'
  ~> -- and the boss
  'insert into shop.audit (what) values (''boss'')' -- who is on holiday
  ~> df.seq( -- all the others
    'insert into shop.audit (what) values (''a'')', /* the last */ 'insert into shop.audit (what) values (''b'')'),
  'comments_behind_operators');
