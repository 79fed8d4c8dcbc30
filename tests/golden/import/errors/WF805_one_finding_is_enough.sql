select df.start(
  (df.wait_for_schedule('0 9 1 * 2') |=> 's') ~> 'insert into shop.audit (what) values ($s)', 'both_days');
