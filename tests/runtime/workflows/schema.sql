-- Beside tests/golden/schema.sql: a column of every type that values travel in.
create type shop.mood as enum ('sad', 'so $so', '{happy}');

create sequence shop.tries;

create table shop.kinds (
  id bigint primary key,
  amount numeric not null,
  price numeric(12,4) not null,
  ratio double precision not null,
  small real not null,
  placed timestamptz not null,
  local timestamp not null,
  day date not null,
  clock time not null,
  span interval not null,
  tags text[] not null,
  grid integer[] not null,
  raw bytea not null,
  feeling shop.mood not null,
  doc jsonb not null,
  doc_text json not null,
  code uuid not null,
  flag boolean not null,
  address inet not null,
  label text not null,
  nothing text
);

insert into shop.kinds values
  (1, 12345678901234567890.1200, 1.5, 'NaN', 0.1, '2024-02-29 23:59:59.123456+05:30',
    '2024-02-29 23:59:59.123456', '0044-03-15 BC', '23:59:59.999999',
    '1 year 2 mons -3 days 04:05:06.7', array['a,b', '"q"', null, '{x}', '$y', 'back\slash'],
    '{{1,2},{3,4}}', '\x00ff2724', 'so $so',
    '{"n": 1.10, "big": 123456789012345678901234567890, "s": "a''b\\c"}', '{"a" : 1,  "a":2}',
    '00000000-0000-0000-0000-0000000000ff', false, '10.0.0.1/8', 'plain', null),
  (2, 'NaN', -0.0001, 'Infinity', '-Infinity', 'infinity', '-infinity', 'infinity',
    '00:00', '-1 microsecond', '{}', '{}', '', '{happy}', 'null', '"text"',
    'ffffffff-ffff-ffff-ffff-ffffffffffff', true, '::1', E'it''s \\ $name {x} -- \n line', null),
  (3, 0.000, 0, '-0', 1e-40, '0001-01-01 00:00:00+00 BC', '1999-12-31 23:59:59', '9999-12-31',
    '24:00', '0', array[''], array[null::integer], '\x5c', 'sad', '"a $b {c}"', '[1, 2.50]',
    '11111111-2222-3333-4444-555555555555', true, '192.168.0.0/24', '', null);

create domain shop.positive as numeric(8,3) check (value > 0);
create type shop.pair as (a text, b numeric);

create table shop.more_kinds (
  id bigint primary key,
  tiny smallint not null,
  fixed char(5) not null,
  short varchar(7) not null,
  word name not null,
  amounts numeric[] not null,
  times timestamptz[] not null,
  spans interval[] not null,
  raws bytea[] not null,
  docs jsonb[] not null,
  moods shop.mood[] not null,
  span int4range not null,
  spans_many int4multirange not null,
  zoned timetz not null,
  bits varbit not null,
  mask bit(4) not null,
  cash money not null,
  good shop.positive not null,
  two shop.pair not null,
  pairs shop.pair[] not null,
  object oid not null,
  relation regclass not null,
  letter "char" not null,
  search tsvector not null,
  place point not null,
  mac macaddr not null
);

insert into shop.more_kinds values
  (1, -32768, 'a', 'b  ', 'C d', array[1.10, 'NaN', null], array['2024-01-01 00:00:00+02'::timestamptz, 'infinity'],
    array['1 mon -1 day'::interval, null], array['\x00'::bytea, '\x2724'], array['{"n": 1.10}'::jsonb, 'null', null],
    array['so $so'::shop.mood, '{happy}'], '[1,5)', '{[1,3),[5,7)}', '12:00:00.5+05:30', '101', '0101', 12.34, 1.5,
    row('it''s, "$x" {y}', 1.10), array[row('a', null)::shop.pair, null], 4294967295, 'shop.orders', 'x',
    'it:1 a:2A', '(1.1,-2)', '08:00:2b:01:02:03'),
  (2, 0, '', '', '', '{}', '{}', '{}', '{}', '{}', '{}', 'empty', '{}', '00:00+00', '', '0000', -1, 0.001,
    row(null, null), '{}', 0, 'shop.kinds', '', '', '(0,0)', 'ff:ff:ff:ff:ff:ff');

create table shop.copies (like shop.kinds, how text not null);
create table shop.more_copies (like shop.more_kinds, how text not null);
