select df.start(('{select 1}'::text[])[1], 'element');
