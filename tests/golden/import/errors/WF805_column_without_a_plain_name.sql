select df.start(
  'select count(*) as "All of them" from shop.orders' |=> 'n'
  ~> 'insert into shop.audit (what) values ($n)', 'read');
select df.start(df.if('select count(*) > 1 as "Any?" from shop.orders', 'select 1'), 'asked');
