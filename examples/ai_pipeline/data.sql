insert into kb.documents (title, body) values
  ('fruit', 'apples are red. bananas are yellow. plums are blue.'),
  ('empty', '');
