create schema shop;

create table shop.orders (
  id bigint generated always as identity primary key,
  total numeric(12,2) not null,
  email text not null,
  status text not null default 'new'
);

create table shop.stock (
  id bigint generated always as identity primary key,
  order_id bigint not null references shop.orders,
  item text not null,
  reserved integer not null default 0
);
