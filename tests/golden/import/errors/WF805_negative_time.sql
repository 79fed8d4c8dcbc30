select df.start(df.sleep(-5), 'sleeps');
select df.start(df.wait_for_signal('go', -1), 'waits');
select df.start(df.wait_for_signal('go', 1.5), 'waits_longer');
