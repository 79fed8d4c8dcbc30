create schema geo;

create table geo.places (
  id bigint generated always as identity primary key,
  name text not null,
  score integer
);
