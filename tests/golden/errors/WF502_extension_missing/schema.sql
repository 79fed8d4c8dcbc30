create extension hstore;
create schema shop;
create table shop.orders (id bigint primary key, status text, tags hstore);
create extension if not exists "uuid-ossp";
