create schema shop;
create procedure shop.tidy() language sql begin atomic select 1; end;
