select count(*) as number, sum(total) as total from shop.orders
