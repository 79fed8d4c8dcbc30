select df.start(df.sleep('soon'::int), 'cast');
