-- In Berlin the clocks go forward in the night to 31 March 2030: that day has 23 hours.
insert into report.sales values
  ('2030-03-30 12:00:00 Europe/Berlin', 10),
  ('2030-03-31 00:30:00 Europe/Berlin', 20),
  ('2030-03-31 23:30:00 Europe/Berlin', 30),
  ('2030-04-01 00:00:00 Europe/Berlin', 40);
