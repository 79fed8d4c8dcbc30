select df.start('select $missing.id', 'unbound');
