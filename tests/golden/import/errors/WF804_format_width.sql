select df.start(format('select %10s', 1), 'a');
