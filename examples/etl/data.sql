insert into staging.rows values
  ('monday', 1, 'A-1', '3', '9.90'),
  ('monday', 2, 'A-1', '2', '9.90'),
  ('monday', 3, 'B-7', '1', '120.00'),
  ('monday', 4, null, '1', '1.00'),
  ('monday', 5, 'C-2', 'many', '5.00'),
  ('tuesday', 1, null, '1', '1.00'),
  ('tuesday', 2, 'A-1', '4', '9.90');
