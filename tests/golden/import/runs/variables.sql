-- Variables of df.setvar become inputs.

select df.setvar('threshold', '100');
select df.setvar('shop_name', 'Shop "No. 1"');

select df.start(
  ('select count(*) as n from shop.orders where total > {threshold}' |=> 'big')
  ~> 'insert into shop.audit (what) values (''{shop_name}: '' || $big.n)'
  ~> 'insert into shop.audit (what) values (''{shop_name}'')',
  'set_variables');

select df.start(
  'insert into shop.audit (what) values (''a literal {array}, and {{shop_name}}'')',
  'unknown_variable');
