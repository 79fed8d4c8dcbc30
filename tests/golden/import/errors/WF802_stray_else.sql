select df.start('select true' ?> 'select 1' ~> 'select 2' !> 'select 3', 'stray');
