create schema finance;

create table finance.invoices (
  id bigint generated always as identity primary key,
  vendor text not null,
  amount numeric(12,2) not null,
  status text not null default 'submitted'
    check (status in ('submitted', 'in_review', 'approved', 'rejected', 'withdrawn')),
  revision integer not null default 1
);

create table finance.review_log (
  id bigint generated always as identity primary key,
  invoice_id bigint not null references finance.invoices,
  reviewer text not null,
  decision text not null,
  note text
);
