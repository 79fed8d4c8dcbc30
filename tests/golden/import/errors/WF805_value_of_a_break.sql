select df.start(
  (df.loop(df.break('{"k": 1}')) |=> 'x') ~> 'insert into shop.audit (what) values ($x.other)',
  'no_such_member');

select df.start(
  (df.loop(df.if('select random() < 0.5', df.break('5')), 'select random() < 0.5') |=> 'x')
  ~> 'insert into shop.audit (what) values (''is $x'')',
  'break_or_last_round');

select df.start(
  (df.if('select random() < 0.5', df.loop(df.break('{"k": 1}')), 'select 2 as k') |=> 'x')
  ~> 'insert into shop.audit (what) values ($x.k::text)',
  'break_or_statement');
