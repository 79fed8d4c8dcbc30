select name from shop.customers where id = :order_id
