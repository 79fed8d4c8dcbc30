select df.start('select ' || chr(0), 'zero');
