select df.start(df.slep(5), 'typo');
