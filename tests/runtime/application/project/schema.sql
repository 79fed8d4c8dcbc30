create schema shop;
create table shop.orders (
  id bigint primary key,
  total numeric not null,
  email text not null,
  status text not null default 'open'
);
