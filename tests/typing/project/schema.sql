create schema shop;
create type shop.state as enum ('open', 'sent');
create table shop.orders (
  id bigint primary key,
  total numeric not null,
  email text,
  state shop.state not null default 'open',
  tags text[] not null default '{}',
  details jsonb,
  placed_at timestamptz not null default now(),
  "class" text not null default 'normal',
  weight real,
  key uuid not null default gen_random_uuid()
);
create table shop.audit (id bigint primary key generated always as identity, what text);
