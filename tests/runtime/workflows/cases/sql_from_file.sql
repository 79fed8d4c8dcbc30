-- The numbers up to :n, which is no reference here.
select coalesce(sum(i), 0) as total
from generate_series(1, :n) as i;
