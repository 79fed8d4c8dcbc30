insert into finance.invoices (vendor, amount) values
  ('Paper & Co', 120.00),
  ('Server Farm Ltd', 18000.00);
