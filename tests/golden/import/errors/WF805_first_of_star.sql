select df.start(('select * from shop.orders limit 1' |=> 'o') ~> 'select $o', 'star');
