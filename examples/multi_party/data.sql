insert into legal.contracts (title) values ('lease'), ('merger');
insert into legal.parties (contract_id, name) values
  (1, 'landlord'), (1, 'tenant'), (2, 'buyer'), (2, 'seller'), (2, 'bank');
