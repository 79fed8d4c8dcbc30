-- Variables of df.setvar become inputs.

select df.setvar('threshold', '100');
select df.setvar('shop_name', 'Shop "No. 1"');

select df.start(
  ('select count(*) as n from shop.orders where total > {threshold}' |=> 'big')
  ~> 'insert into shop.audit (what) values (''{shop_name}: '' || $big.n)'
  ~> 'insert into shop.audit (what) values (''{shop_name}'')',
  'set_variables');

-- set elsewhere: array = {array}
select df.start(
  'insert into shop.audit (what) values (''a literal {array}, and {{shop_name}}'')',
  'unknown_variable');

-- set elsewhere: customer = Ann
-- set elsewhere: status = new
-- set elsewhere: least = 100
select df.start(
  'insert into shop.audit (what) values (''hello {customer}'')'
  ~> 'insert into shop.audit (what) select ''for '' || id from shop.orders
      where status = ''{status}'' and total > {least} order by id'
  ~> 'insert into shop.audit (what, data) values (''{1,2}'', ''{"a": 1, "b": [{"c": 2}]}'')',
  'set_elsewhere');
