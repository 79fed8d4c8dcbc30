select df.start(
  df.loop(
    ('insert into shop.audit (what) values (''round'') returning id' |=> 'made') ~> 'select 1 / 0',
    'select $made.id < 3', true),
  'failing_round');
