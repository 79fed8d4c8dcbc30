-- Rows to try the workflow on: order 1 is small, order 2 needs an approval.

insert into shop.customers (name, email) values
  ('Ada Byron', 'ada@example.com'),
  ('Grace Murray', 'grace@example.com');

insert into shop.orders (customer_id, total, email)
select id, case name when 'Ada Byron' then 120.50 else 4800.00 end, email
from shop.customers
order by id;

insert into shop.stock (order_id, item) values
  (1, 'desk lamp'),
  (2, 'server'),
  (2, 'rack');
