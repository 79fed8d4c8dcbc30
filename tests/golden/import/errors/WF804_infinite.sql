select df.start(df.sleep(1e999), 'large');
