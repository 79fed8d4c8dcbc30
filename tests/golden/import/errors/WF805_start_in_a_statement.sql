select df.start('select df.start(''select 1'')', 'nested');
