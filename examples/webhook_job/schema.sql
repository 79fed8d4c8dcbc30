create schema media;

create table media.videos (
  id bigint generated always as identity primary key,
  source text not null,
  status text not null default 'new',
  location text
);
