create extension if not exists vector;
create schema kb;

create table kb.documents (
  id bigint generated always as identity primary key,
  title text not null,
  body text not null,
  embedded_at timestamptz
);

create table kb.chunks (
  document_id bigint not null references kb.documents,
  number integer not null,
  text text not null,
  embedding vector(5) not null,
  primary key (document_id, number)
);
