select df.start('select 1' ~> df.break(), 'no_loop');
