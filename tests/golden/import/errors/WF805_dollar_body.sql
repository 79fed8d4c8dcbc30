select df.start($a$select 1 as n$a$ |=> 'x' ~> $a$do $$ begin perform $x; end $$ $a$, 'in_a_body');
