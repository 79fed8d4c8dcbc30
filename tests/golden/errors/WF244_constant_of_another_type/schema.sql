create type speed as enum ('slow', 'fast');
