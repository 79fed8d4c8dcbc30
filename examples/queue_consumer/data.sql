insert into jobs.queue (payload) values ('one'), ('two'), ('poison'), ('four');
-- Somebody took this one and died; its lease is over.
insert into jobs.queue (payload, attempts, leased_until)
values ('five', 1, timestamptz '2020-01-01 00:00:00+00');
-- This one is somebody else's.
insert into jobs.queue (payload, attempts, leased_until)
values ('six', 1, timestamptz '2999-01-01 00:00:00+00');
