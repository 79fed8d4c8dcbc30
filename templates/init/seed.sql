-- Order 1 is small and goes through; order 2 waits for an approval.

insert into shop.orders (total, email) values
  (120.50, 'ada@example.com'),
  (4800.00, 'grace@example.com');

insert into shop.stock (order_id, item) values
  (1, 'desk lamp'),
  (2, 'server'),
  (2, 'rack');
