create schema shop;

create table shop.orders (
  id bigint primary key,
  total numerik(12,2) not null,
  status text not null
);
