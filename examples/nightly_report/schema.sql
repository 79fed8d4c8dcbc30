create schema report;

create table report.sales (
  at timestamptz not null,
  amount numeric(12,2) not null
);

create table report.daily (
  day date primary key,
  total numeric(14,2) not null,
  sales bigint not null
);
