select df.start('select ''' || current_user || '''', 'a');
