-- What the workflows of this folder read and write. A run's rows carry its id.

create schema t;

create type t.mood as enum ('calm', 'o''hare', '$order', '{sys_label}');
create type t.pair as (a integer, b text);

create table t.log (
  id bigint generated always as identity primary key,
  run text not null,
  what text,
  data jsonb
);

create table t.everything (
  id integer primary key,
  b boolean,
  i2 smallint,
  i4 integer,
  i8 bigint,
  f4 real,
  f8 double precision,
  n numeric,
  n2 numeric(12,2),
  tx text,
  vc character varying(20),
  ch character(5),
  na name,
  u uuid,
  d date,
  ts timestamp,
  tz timestamptz,
  tm time,
  iv interval,
  by bytea,
  js json,
  jb jsonb,
  ta text[],
  ia integer[],
  en t.mood,
  ip inet,
  rg int4range,
  pr t.pair,
  oi oid
);

insert into t.everything values
  (1, true, -3, -4, -9007199254740993, 1.5, 'infinity', 12345678901234567890.12345, 1.50,
   'it''s \ $order {sys_label} "q" -- /* $$', 'caf' || chr(233), 'ab', 'x', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
   '2024-02-29', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012+02',
   '12:34:56', '1 mon -2 days 03:04:05.6', '\x00ff27', '{"a": 1.10, "a": null}',
   '{"n": 12345678901234567890.12345, "s": "$order", "z": null}', '{"a,b","c\"d",NULL,"{x}"}',
   '{-1,2}', '$order', '10.0.0.1/8', '[1,5)', '(-1,"x, ''y''")', 4294967295),
  (3, false, 0, 0, 0, '-0', 'nan', 'nan', 0, '', '', '', '', '00000000-0000-0000-0000-000000000000',
   '0001-01-01', '0001-01-01', '0001-01-01 00:00+00', '00:00', '0', '', 'null', 'null', '{}', '{}',
   'o''hare', '::1', 'empty', '(,)', 0);

insert into t.everything (id) values (2);

create table t.item (
  id integer primary key,
  kind text not null,
  price numeric,
  at timestamptz,
  tags text[],
  doc jsonb
);

insert into t.item values
  (1, 'a', 1.10, '2024-01-02 03:04:05.678901+00', '{x,"y,z"}', '{"k": 1.10}'),
  (2, 'a', null, null, null, 'null'),
  (3, 'b', 'nan', 'infinity', '{}', null),
  (4, 'b', -99999999999999999999.5, '2024-01-02 03:04:05+05', '{NULL}', '"$order"');

create table t.one (id integer primary key, note text);
