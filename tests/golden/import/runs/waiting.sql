-- Timers, signals, schedules.

select df.start(
  df.sleep(60 * 5) ~> 'insert into shop.audit (what) values (''five minutes'')',
  'sleep');

-- signal: approval {"approved": true, "by": "ada"}
select df.start(
  (df.wait_for_signal('approval', 3600) |=> 'sig')
  ~> df.if($$select not ($sig::jsonb->>'timed_out')::boolean and ($sig::jsonb->'data'->>'approved')::boolean$$,
    $$insert into shop.audit (what) values ('approved by ' || ($sig::jsonb->'data'->>'by'))$$,
    $$insert into shop.audit (what) values ('not approved')$$),
  'signal_in_time');

select df.start(
  (df.wait_for_signal('approval', 3600) |=> 'sig')
  ~> df.if('select $sig.timed_out',
    'insert into shop.audit (what) values (''timed out'')',
    'insert into shop.audit (what) values (''came'')'),
  'signal_too_late');

-- signal: note {"text": "hello"}
select df.start(
  (df.wait_for_signal('note', 60) |=> 's')
  ~> 'insert into shop.audit (what, data) values (''note'', ($s::jsonb) -> ''data'')'
  ~> 'insert into shop.audit (what, data) values (''whole'', ($s)::jsonb)',
  'whole_of_a_signal');

select df.start(
  df.wait_for_schedule('30 2 * * MON') ~> 'insert into shop.audit (what) values (''monday'')',
  'schedule');
