create type mood as enum ('new', 'paid');
