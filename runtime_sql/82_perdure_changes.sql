-- Changes of what is in force: a version that became current again, versions that were
-- retired. A row is written by the migration that does it, and removed by its way back;
-- rows, those of versions too, are removed from the last one to the first.

create table if not exists perdure.workflow_changes (
  workflow text not null,
  number integer not null check (number > 0),  -- counted in each workflow
  kind text not null check (kind in ('rollback', 'retire')),
  version integer not null,                    -- current afterwards; 0: none
  digest text not null,
  changed_at timestamptz not null default clock_timestamp(),
  changed_by text not null default current_user,
  primary key (workflow, number)
);

-- When a version was retired: its functions are gone, its row stays.
alter table perdure.workflow_versions add column if not exists retired_at timestamptz;

-- Raise PD034 unless all these versions are registered and not retired.
create function perdure.require_versions(p_workflow text, p_versions integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_version integer;
begin
  foreach v_version in array p_versions loop
    if not exists (select from perdure.workflow_versions w
        where w.name = p_workflow and w.version = v_version and w.retired_at is null) then
      raise exception 'version % of % is not in this database', v_version, p_workflow
        using errcode = 'PD034', hint = 'Apply the migrations before this one first.';
    end if;
  end loop;
end
$$;

-- Whether the runtime can move a run; the extension pg_durable has no such function.
create function perdure.has_move() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'df' and p.proname = 'move')
$$;

-- Raise PD034 while runs of these versions have not ended, and name some. A run that
-- starts just now is not seen: it keeps its graph, and needs no function to go on.
create function perdure.refuse_runs(p_workflow text, p_versions integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_runs text[];
begin
  select array_agg(format('%s (%s, %s)', i.id, i.label, i.status) order by i.created_at)
  into v_runs from df.instances i
  where i.label in (select v.label || s.suffix
      from (select p_workflow || '@' || n as label from unnest(p_versions) n) v
      cross join (values (''), (' schedule')) s (suffix))
    and i.status not in ('completed', 'failed', 'cancelled');
  if v_runs is not null then
    raise exception '% cannot be taken out of use while % not ended: %',
      p_workflow || '@' || array_to_string(p_versions, ', @'),
      case cardinality(v_runs) when 1 then '1 run has' else cardinality(v_runs) || ' runs have' end,
      array_to_string(v_runs[:5], ', ') || case when cardinality(v_runs) > 5 then ', ...' else '' end
      using errcode = 'PD034',
        hint = concat('Wait for them, ',
          case when perdure.has_move() then 'take those that wait to another version with perdure move, ' end,
          'or end them with df.cancel(); then apply this migration again.');
  end if;
end
$$;

-- A regular expression that finds calls of a function in SQL text, however its qualified
-- name is quoted there: not my_schema.f where schema.f is meant, nor schema.f_v10 for f_v1.
create function perdure.call_pattern(p_function text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select '(^|[^[:alnum:]_$"])'
    || string_agg(format('("%1$s"|%1$s)', e.escaped), '[[:space:]]*[.][[:space:]]*' order by p.at)
    || '[[:space:]]*[(]'
  from unnest(parse_ident(p_function)) with ordinality p (part, at)
  cross join lateral (values (regexp_replace(replace(p.part, '"', '""'),
    '([^[:alnum:]_])', E'\\\\\\1', 'g'))) e (escaped)
$$;

-- Raise PD034 where a function that stays calls one of these, and name some. `p_functions`
-- are qualified names; those of the workflow itself do not count.
create function perdure.refuse_callers(p_workflow text, p_functions text[]) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_callers text[];
begin
  select array_agg(distinct format('%s.%s', n.nspname, p.proname)) into v_callers
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where p.proname !~ ('^' || p_workflow || '(_v[0-9]+(_schedule)?)?$')
    and n.nspname !~ '(^pg_temp|_uncommitted$)'  -- what perdure run only tried out
    and p.prosrc ~* (select string_agg(perdure.call_pattern(f), '|') from unnest(p_functions) f);
  if v_callers is not null then
    raise exception '% cannot be taken out of use while functions start it: %', p_workflow,
      array_to_string(v_callers[:5], ', ') || case when cardinality(v_callers) > 5 then ', ...' else '' end
      using errcode = 'PD034',
        hint = 'Change them, or retire the versions that they belong to; then apply this migration again.';
  end if;
end
$$;

-- The last of what came to a workflow after one of its versions or changes, null for none.
-- Versions and changes are numbered, each for themselves; among each other time tells.
create function perdure.came_after(p_workflow text, p_version integer, p_change integer,
  p_at timestamptz) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select l.key from (
    select format('%s@%s', w.name, w.version), w.deployed_at from perdure.workflow_versions w
    where w.name = p_workflow
      and case when p_version is null then w.deployed_at > p_at else w.version > p_version end
    union all
    select format('%s, change %s', c.workflow, c.number), c.changed_at
    from perdure.workflow_changes c
    where c.workflow = p_workflow
      and case when p_change is null then c.changed_at > p_at else c.number > p_change end
  ) l (key, at)
  order by l.at desc, l.key desc limit 1
$$;

-- The last of the versions of other workflows that came after one and start it, null for
-- none. Two that start each other are taken back the last one first, like all others.
create function perdure.starts_after(p_workflow text, p_version integer, p_at timestamptz)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('%s@%s', w.name, w.version)
  from perdure.workflow_versions w join pg_proc p on p.proname = format('%s_v%s', w.name, w.version)
  where w.name <> p_workflow and w.deployed_at > p_at
    and p.prosrc ~ format('[.]"?%s_v%s"?[[:space:]]*[(]', p_workflow, p_version)
  order by w.deployed_at desc limit 1
$$;

-- Raise PD034 when something is taken back before what came after it: a migration's way
-- down puts in force, or takes away, what was so when the migration was applied. After the
-- statement, so that one which removes all rows of a workflow may.
create function perdure.refuse_disorder() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_own text;
  v_later text;
  v_caller text;
begin
  if tg_table_name = 'workflow_versions' then
    v_own := format('%s@%s', old.name, old.version);
    v_later := perdure.came_after(old.name, old.version, null, old.deployed_at);
    v_caller := perdure.starts_after(old.name, old.version, old.deployed_at);
  else
    v_own := format('%s, change %s', old.workflow, old.number);
    v_later := perdure.came_after(old.workflow, null, old.number, old.changed_at);
  end if;
  if coalesce(v_later, v_caller) is not null then
    raise exception '% cannot be taken back before %, which %', v_own,
      coalesce(v_later, v_caller),
      case when v_later is null then 'starts it' else 'came after it' end
      using errcode = 'PD034',
        hint = format('Migrations are taken back from the last one to the first: take back %s first.',
          coalesce(v_later, v_caller));
  end if;
  return null;
end
$$;

create trigger in_order after delete on perdure.workflow_versions
for each row execute function perdure.refuse_disorder();
create trigger in_order after delete on perdure.workflow_changes
for each row execute function perdure.refuse_disorder();
