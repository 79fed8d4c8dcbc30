insert into geo.places (name) select 'place ' || n from generate_series(1, 10000) n;
