create schema billing;

create table billing.subscriptions (
  id bigint generated always as identity primary key,
  customer text not null,
  price numeric(10,2) not null,
  status text not null default 'active'
);

create table billing.invoices (
  subscription_id bigint not null references billing.subscriptions,
  month integer not null,
  amount numeric(10,2) not null,
  primary key (subscription_id, month)
);
