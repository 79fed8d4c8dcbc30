select df.start((select graph from graphs where id = 1), 'computed');
