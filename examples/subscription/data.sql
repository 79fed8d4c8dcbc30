insert into billing.subscriptions (customer, price) values ('ada', 10), ('grace', 25);
