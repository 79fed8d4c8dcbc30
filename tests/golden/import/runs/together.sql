-- Joins and races.

select df.start(
  ('insert into shop.audit (what) values (''x'')' & 'insert into shop.audit (what) values (''x'')' & 'insert into shop.audit (what) values (''x'')')
  ~> 'insert into shop.audit (what) select ''all '' || count(*) from shop.audit',
  'join_of_three');

select df.start(
  df.join3(
    'select 1 as n' |=> 'a',
    df.as('select 2 as n', 'b'),
    'select 3 as n' |=> 'c')
  ~> 'insert into shop.audit (what) values (''sum '' || ($a.n + $b.n + $c.n))',
  'join3_with_names');

select df.start(
  df.join(
    ('select 1 as n' |=> 'x') ~> ('select $x.n + 10 as n' |=> 'left'),
    ('select 2 as n' |=> 'x') ~> ('select $x.n + 20 as n' |=> 'right'))
  ~> 'insert into shop.audit (what) values ($left.n || '' '' || $right.n || '' '' || $x.n)',
  'same_name_in_branches');

select df.start(
  df.race('select 1 as n', df.sleep(3600))
  ~> 'insert into shop.audit (what) values (''decided'')',
  'race');

select df.start(
  ((df.sleep(10) ~> 'select ''slow'' as who') | (df.sleep(5) ~> 'select ''fast'' as who')) |=> 'won'
  ~> 'insert into shop.audit (what) values (''won by '' || $won.who)',
  'race_with_a_result');

select df.start(
  df.join(
    df.race(df.sleep(60), 'insert into shop.audit (what) values (''in a race'')'),
    df.join('select 1', 'select 2'))
  ~> 'insert into shop.audit (what) values (''joined'')',
  'race_in_a_join');

select df.start(
  (df.wait_for_signal('never') | df.sleep(30)) ~> 'insert into shop.audit (what) values (''late'')',
  'signal_or_timer');
