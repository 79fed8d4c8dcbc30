-- What a statement can leave in its session: settings, temporary tables, LISTEN, advisory
-- locks, sequence positions, held cursors and prepared statements. The last two are dear to
-- look for: cursors once before a commit, prepared statements before another run's step.

-- Undo all but prepared statements, and in a batch held cursors. RESET ALL comes last and takes
-- the search_path of this function with it.
create function df_engine.tidy(p_in_batch boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ignored text;
begin
  v_ignored := pg_advisory_unlock_all();
  unlisten *;
  discard sequences;
  if pg_my_temp_schema() <> 0 then
    discard temp;
  end if;
  if not p_in_batch then
    if exists (select from pg_cursor() where is_holdable) then
      v_ignored := df_engine.close_cursors();
    end if;
  end if;
  reset all;
  return true;
end
$$;

-- Close the held cursors that a statement left: a commit would execute the rest of their
-- queries, as the worker.
create function df_engine.close_cursors() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  for v_name in select name from pg_cursor() where is_holdable loop
    execute format('close %I', v_name);
  end loop;
  return true;
end
$$;

-- Remove the prepared statements that steps left, but not those of the client's protocol.
-- Returns whether there were any.
create function df_engine.deallocate() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  if not exists (select from pg_prepared_statement() where from_sql) then
    return false;
  end if;
  for v_name in select name from pg_prepared_statement() where from_sql loop
    execute format('deallocate %I', v_name);
  end loop;
  return true;
end
$$;

-- Undo the settings that a statement has left, before the engine works on.
create function df_engine.reset_settings() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  reset all;
  return true;
end
$$;
