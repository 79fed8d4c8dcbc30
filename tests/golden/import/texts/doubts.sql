-- What does the same unless the run comes where it failed, or gave something else.

select df.start(
  ('select count(*) as n from shop.orders' |=> 'c')
  ~> df.if('select $c.n > 3', 'select id from shop.orders limit 1' |=> 'x', 'select 1')
  ~> df.if('select $c.n > 3', 'update shop.orders set status = ''seen'' where id = $x.id')
  ~> df.if_rows('x', 'insert into shop.audit (what) values (''found'')'),
  'read_where_it_may_be_null');

select df.start(
  df.loop(
    ('insert into shop.audit (what) values (''round'') returning id' |=> 'made')
    ~> df.if('select $made.id = 2', 'select 5 as n' |=> 'x')
    ~> 'insert into shop.audit (what) values (coalesce($x.n?::text, ''none''))',
    'select $made.id < 9'),
  'value_of_an_earlier_round');

select df.start(
  (df.loop(
    ('select count(*) as n from shop.audit' |=> 'c')
    ~> df.if('select $c.n > 9', df.break('{"ok": false, "n": 2.5, "error": "too many"}'))
    ~> df.if('select $c.n > 5', df.break('{"ok": true, "n": 1}'))) |=> 'x')
  ~> df.if('select $x.ok and $x.n > 1', 'select 1', 'insert into shop.audit (what) values ($x.error)'),
  'member_of_one_break');

select df.start(
  'do $x$ begin insert into shop.audit (what) values (''{who}''); end $x$'
  ~> 'insert into shop.audit (what) values (''for {whom}, and {whom}'')',
  'variable_in_a_body');
