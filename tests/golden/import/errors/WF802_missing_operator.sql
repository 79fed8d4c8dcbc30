select df.start('select 1' 'select 2', 'missing');
