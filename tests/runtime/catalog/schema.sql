create schema shop;
create type public.mood as enum ('sad', 'happy');
create domain public.amount as numeric(12,2) check (value >= 0);

create table shop.customers (
  id bigint generated always as identity primary key,
  name text not null,
  email text not null unique,
  note text
);

create table shop.orders (
  id bigint generated always as identity primary key,
  customer_id bigint not null references shop.customers,
  total numeric(12,2) not null,
  email text not null,
  status text not null default 'new',
  tags text[],
  placed_at timestamptz not null default now()
);

create table shop.stock (
  id bigint generated always as identity primary key,
  order_id bigint not null references shop.orders,
  item text not null,
  reserved integer not null default 0
);

create table kinds (
  a integer not null,
  b integer not null,
  feeling mood not null,
  price amount not null,
  weight double precision not null unique,
  body jsonb not null,
  code character(3) not null,
  late text unique deferrable initially deferred,
  partly text,
  primary key (a, b)
);
create unique index on kinds (partly) where a > 0;
create unique index on kinds (lower(code));

create view shop.open_orders as select * from shop.orders where status = 'new';

create table watched (id integer primary key);
create function drop_row() returns trigger language plpgsql as
  $$ begin return null; end $$;
create trigger drop_row before insert on watched
  for each row execute function drop_row();

create table parts (id integer primary key) partition by range (id);
create table part_1 partition of parts for values from (0) to (100);
create table parent (id integer primary key, name text not null);
create table child () inherits (parent);

create function many(n integer) returns setof integer language sql as
  $$ select generate_series(1, n) $$;
create function twice(n integer) returns integer immutable language sql as
  $$ select n * 2 $$;
create aggregate product(numeric) (sfunc = numeric_mul, stype = numeric);

insert into shop.customers (name, email) values ('Ann', 'a@x'), ('Bob', 'b@x');
insert into shop.orders (customer_id, total, email) values (1, 10, 'a@x'), (1, 20, 'x');
insert into shop.stock (order_id, item) values (1, 'cup'), (1, 'pot');
insert into kinds values
  (1, 1, 'sad', 1, 1.5, 'null', 'abc', 'l', 'p'), (1, 2, 'sad', 1, 2.5, '{}', 'abd', null, null);
insert into parts values (1);
insert into parent values (1, 'p');
insert into child values (1, 'c');
