select df.start(df.sleep(extract(epoch from interval '1 hour')::bigint) ~> 'select 1', 'epoch');
