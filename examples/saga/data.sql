insert into travel.trips (traveller) values ('ada'), ('grace');
