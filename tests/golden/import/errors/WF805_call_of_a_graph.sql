select df.start(
  df.call('select df.start(''insert into shop.audit (what) values (''''kid'''')'', ''kid'')'),
  'call_of_a_graph');
