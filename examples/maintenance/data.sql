insert into app.events (what) select 'event ' || n from generate_series(1, 1000) n;
