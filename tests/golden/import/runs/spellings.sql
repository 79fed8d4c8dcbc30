-- One expression can be written in many ways.

select df.start(
  E'insert into shop.audit (what) values (''\xc3\xa9\303\251\u00e9\ud83d\ude00\U0001F600\x41\101'')'
  ~> E'insert into shop.audit (what)\n'
  'values (\'it\'\'s\tlate\')', 'escapes_of_strings');

select df.start(
  U&'insert into shop.audit (what) values (''d\0061t\+000061\\'')'
  ~> U&'insert into shop.audit (what) '
  'values (''!0042!d83d!de00!!'')' uescape '!', 'unicode_strings');

select df.start(
  'insert into shop.audit (what) values (''one'')' operator(df.~>)
  'select id from shop.orders where id = 2' OPERATOR ( "df" . |=> ) 'o'
  operator(df.~>) ('insert into shop.audit (what) ' operator(pg_catalog.||) 'values ($o.id)'),
  'operators_with_a_schema');

select "df"."start"("df"."seq"(
  'insert into shop.audit (what) values (''a'')',
  "df".sql("query" => 'insert into shop.audit (what) values (''b'')')), 'quoted_names');

select df.start(
  'insert into shop.audit (what) values (''a'')'::pg_catalog.text
  ~> ('insert into shop.audit (what) values (''b'')')::"text" collate "C"
  ~> 'insert into shop.audit (what) values (''c'')'::character  varying(99)
  ~> df.sleep('5'::pg_catalog.int4), 'names_of_types');

select df.start(
  'insert into shop.audit (what) values (''a'')' -- a glued comment
  ~>/* and /* a nested */ one */'insert into shop.audit (what) '
  -- in the middle
  'values (''b'')' ~>-- before
  df.sleep(+5) ~> df.sleep(- (-5)) ~> df.sleep('7') ~> df.sleep(7/2), 'comments_between');

-- the columns of a result may have any name
select df.start(
  'select 1 as x' ~> 'select id as r, total as s, email as rows from shop.orders order by id',
  'columns_named_like_aliases');
