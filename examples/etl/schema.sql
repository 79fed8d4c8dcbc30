create schema staging;
create schema sales;

create table staging.rows (
  batch text not null,
  line integer not null,
  sku text,
  quantity text,
  price text,
  primary key (batch, line)
);

create table staging.rejects (
  batch text not null,
  line integer not null,
  reason text not null,
  primary key (batch, line)
);

create table sales.items (
  sku text primary key,
  quantity bigint not null,
  revenue numeric(14,2) not null
);

create table sales.loads (
  batch text primary key,
  loaded integer not null,
  rejected integer not null,
  at timestamptz not null default now()
);
