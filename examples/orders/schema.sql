create schema shop;

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

create table shop.audit (
  id bigint generated always as identity primary key,
  what text not null,
  at timestamptz not null default now(),
  data jsonb
);
