select df.start('select 1' ~> 'it's late', 'quotes');
