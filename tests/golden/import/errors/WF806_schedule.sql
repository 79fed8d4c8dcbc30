select df.start(df.wait_for_schedule('0 9 * * 2-6') ~> 'select 1', 'weekdays');
