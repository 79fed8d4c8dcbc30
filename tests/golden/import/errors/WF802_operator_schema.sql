select df.start('select 1' operator(other.~>) 'select 2', 'schema');
