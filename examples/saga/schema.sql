create schema travel;

create table travel.trips (
  id bigint generated always as identity primary key,
  traveller text not null,
  status text not null default 'new'
);

create table travel.bookings (
  trip_id bigint not null references travel.trips,
  kind text not null,
  reference text not null,
  primary key (trip_id, kind)
);
