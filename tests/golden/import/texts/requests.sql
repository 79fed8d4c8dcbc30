-- Requests. They are compiled, not sent.

select df.start(
  (df.http('https://api.example.com/orders', 'GET') |=> 'resp')
  ~> 'insert into shop.audit (what, data) values (''got '' || ($resp::jsonb->>''status''), ($resp.body)::jsonb)',
  'get');

select df.start(
  ('select id, email from shop.orders where id = 1' |=> 'o')
  ~> (df.http('{base_url}/orders/$o.id?mail=$o.email', 'POST', '{"id": $o.id, "email": "$o.email"}',
      '{"Content-Type": "application/json", "X-Key": "{api_key}", "Authorization": "Bearer $secrets.token"}'::jsonb, 10) |=> 'resp')
  ~> df.if($$select ($resp::jsonb->>'ok')::boolean and ($resp::jsonb->>'status')::int < 300$$,
    'update shop.orders set status = ''sent'' where id = $o.id',
    $$insert into shop.audit (what) values ('failed: ' || coalesce($resp.body, '') || $resp.status)$$),
  'post');

select df.start(
  df.http('https://api.example.com/ping', headers => jsonb_build_object('X-A', 'b', 'X-N', 5), timeout_seconds => 30),
  'answer_as_result');

select df.start(
  (df.http('https://files.example.com/a.pdf', 'GET') |=> 'file')
  ~> df.http_multipart('https://archive.example.com/', 'POST',
    '[{"name": "title", "data_b64": "SGVsbG8="}, {"name": "doc", "data_b64": "$file.body", "filename": "a.pdf", "content_type": "application/pdf"}]'::jsonb),
  'multipart');

select df.start(
  df.race(df.http('https://a.example.com/', 'GET'), df.http('https://b.example.com/', 'GET')) |=> 'first'
  ~> 'insert into shop.audit (what) values ($first.body)',
  'fastest_mirror');

select df.start(
  df.retry(df.http('https://a.example.com/', 'GET'), 5, backoff => '00:00:02', max_backoff => '1 minute'),
  'retried_request');

select df.start(
  @> (
    (df.http('https://a.example.com/', 'GET') |=> 'r')
    ~> 'insert into shop.audit (what, data) values (''sync'', $r::jsonb)'
    ~> df.wait_for_schedule('*/30 * * * *')),
  'sync');

select df.setvar('hook_token', 'not to be seen');

select df.start(
  ('select id from shop.orders where id = 1' |=> 'o')
  ~> df.http('https://api.example.com/built', 'POST',
    jsonb_build_object('id', '$o.id', 'tags', jsonb_build_array('a', 1), 'token', '{hook_token}')::text),
  'built_body');
