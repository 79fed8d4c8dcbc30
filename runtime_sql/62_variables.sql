-- Variables: `{name}` in the graphs of runs that their owner starts afterwards.

-- Raise if a function was called by a step, by the context of the call. No protection:
-- it keeps from what would not do what it seems to.
create function df_graph.refuse_in_step(p_function text, p_context text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_context ~ 'function df_exec\.run_' then
    raise exception '%() cannot be called inside a workflow', p_function using errcode = 'PD003',
      hint = 'A run takes a copy of the variables when it starts; it waits for signals.';
  end if;
end
$$;

-- Set a variable of the caller's, read as `{name}` by runs that start afterwards.
create function df.setvar(name text, value text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_context text;
begin
  get diagnostics v_context = pg_context;
  perform df_graph.refuse_in_step('df.setvar', v_context);
  if name is null or value is null then
    raise exception 'a variable needs a name and a value' using errcode = 'PD003';
  end if;
  perform df_graph.check_length('the name of a variable', name);
  insert into df.commands (verb, text1, text2) values ('setvar', name, value);
  return 'OK';
end
$$;

-- Return a variable of the caller's, null when there is none.
create function df.getvar(name text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1) values ('getvar', name) returning result $$;

-- Remove a variable of the caller's.
create function df.unsetvar(name text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_context text;
begin
  get diagnostics v_context = pg_context;
  perform df_graph.refuse_in_step('df.unsetvar', v_context);
  insert into df.commands (verb, text1) values ('unsetvar', coalesce(name, ''));
  return 'OK';
end
$$;

-- Remove all variables of the caller's.
create function df.clearvars() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_context text;
begin
  get diagnostics v_context = pg_context;
  perform df_graph.refuse_in_step('df.clearvars', v_context);
  insert into df.commands (verb) values ('unsetvar');
  return 'OK';
end
$$;
