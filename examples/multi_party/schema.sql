create schema legal;

create table legal.contracts (
  id bigint generated always as identity primary key,
  title text not null,
  status text not null default 'draft'
);

create table legal.parties (
  contract_id bigint not null references legal.contracts,
  name text not null,
  signed_at timestamptz,
  primary key (contract_id, name)
);
