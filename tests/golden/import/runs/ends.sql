-- Two ends of one graph, with results of other types.

select df.start(
  df.seq(
    df.as(df.sql('select id from shop.orders where id = 1'), 'o'),
    df.if_rows('o', df.sql('select count(*) as id from shop.orders'), df.sql('select 2 as id'))
  ),
  'two_ends'
);
