select df.start(df.sleep(duration => 5), 'argument');
