-- The df language, third part: the operators of pg_durable.
--
-- PostgreSQL gives all of them one precedence and reads them from left to right, so that
-- `a ~> b |=> 'x'` names the sequence, and `c ?> a ~> b !> d` is an error: parentheses
-- say what is meant. They exist in schema df; with CREATE on schema public they are put
-- there too, where an unchanged search_path finds them. (pg_durable's are in pg_catalog.
-- There they would need a superuser, and pg_dump would leave them out.)

-- `fut |=> name`.
create function df.as_op(fut text, name text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df."as"(fut, name) $$;

-- `condition ?> then_branch`: an if without an else, to which `!>` may add one.
create function df.if_then_op(condition text, then_branch text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df."if"(condition, then_branch) $$;

-- `condition ?> then_branch !> else_branch`.
create function df.if_else_op(partial_if text, else_branch text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_open text := '[{"df":"if","n":2}';
begin
  if partial_if is null or left(partial_if, length(v_open)) <> v_open then
    raise exception 'the left side of !> must be a ?> expression' using errcode = 'PD001',
      hint = 'Operators are read from left to right: write (condition ?> (...)) !> (...).';
  end if;
  return '[{"df":"if","n":3}' || substr(left(partial_if, -1), length(v_open) + 1)
    || ',' || df_graph.elements(else_branch) || ']';
end
$$;

-- `@> body`: a loop without an end of its own.
create function df.loop_prefix_op(body text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df."loop"(body) $$;

-- Create the operators in a schema, those that are not there.
create function df_engine.create_operators(p_schema regnamespace) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v record;
begin
  for v in
    select * from (values
      ('~>', 'df.seq', 'text'), ('|=>', 'df.as_op', 'text'), ('&', 'df."join"', 'text'),
      ('|', 'df.race', 'text'), ('?>', 'df.if_then_op', 'text'),
      ('!>', 'df.if_else_op', 'text'), ('@>', 'df.loop_prefix_op', 'none'))
      o (name, code, argument)
    where to_regoperator(format('%s.%s (%s, text)', p_schema, name, argument)) is null
  loop
    execute format('create operator %s.%s (function = %s, %s rightarg = text)', p_schema, v.name,
      v.code, case when v.argument <> 'none' then 'leftarg = text,' end);
  end loop;
end
$$;

select df_engine.create_operators('df');

do $$
begin
  if to_regnamespace('public') is not null and has_schema_privilege('public', 'create') then
    perform df_engine.create_operators('public');
  end if;
end
$$;
