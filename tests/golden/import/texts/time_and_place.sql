-- What a variable was when a run was started, names that are alike, and data.
select df.setvar('size', '10');
select df.start('select id from shop.orders where total > {size}' |=> 'o'
  ~> 'insert into shop.audit (what) values (''large'')', 'by_ten');
select df.setvar('size', '20');
select df.start('delete from shop.audit where id > {size} and id < {most}', 'by_twenty');
select df.setvar('most', '90');

copy shop.audit (id, what) from stdin;
1	select df.start('select 1', 'a row')
\.

create function moved() returns trigger language plpgsql as $f$
begin
  perform df.start('update shop.orders set total = ' || new.total || ' where id = '
    || new.id || ' or id = ' || old.id, 'moved');
  return new;
end
$f$;

select df.start(
  format('select 7 %% 2 as odd, %1$L as named from %1$I.%I', 'shop', 'orders'),
  'formatted');
select df.start('select count(*) as "All of them" from shop.orders', 'quoted_column');
select df.start('insert into shop.audit (what) values ($input.a || $input.b)',
  'given', input => jsonb_build_object('a', 'x', 'b', v_b));
