-- Five-field cron expressions: minute, hour, day of month, month, day of week (0 and 7
-- are Sunday), by the clocks of a time zone. As in Unix cron, a day fits when either day
-- field does, if both are restricted.
--
-- When clocks are changed, nothing runs twice and nothing is lost:
--
-- * A time that they skip counts as much later as they skip: 02:30 comes at 03:30 on the
--   night in which 02:00 is followed by 03:00. Where something is due then anyway, both
--   are one.
-- * A time that they show twice counts when it is shown first, and not again. But if the
--   hour field begins with `*`, it counts both times: what runs every hour, or every ten
--   minutes, goes on doing so while the hour repeats.
--
-- Beside pg_durable, which knows UTC only and wants both fields of days to fit, these
-- functions are made in schema perdure, from this file.

-- Return the numbers that one field stands for.
create function df_graph.cron_field(p_field text, p_least integer, p_most integer,
  p_names text[]) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part text;
  v_match text[];
  v_all integer[] := '{}';
  v_from integer;
  v_to integer;
begin
  foreach v_part in array string_to_array(lower(p_field), ',') loop
    for i in 1 .. coalesce(cardinality(p_names), 0) loop
      v_part := regexp_replace(v_part, '\m' || p_names[i] || '\M', (i - 1 + p_least)::text, 'g');
    end loop;
    v_match := regexp_match(v_part, '^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$');
    v_from := coalesce(v_match[2]::integer, p_least);
    v_to := coalesce(v_match[3]::integer,
      case when v_match[1] is not null or v_match[4] is not null then p_most else v_from end);
    if v_match is null or v_from < p_least or v_to > p_most or v_from > v_to
       or v_match[4]::integer = 0 then
      return null;
    end if;
    v_all := v_all || array(select generate_series(v_from, v_to, coalesce(v_match[4]::integer, 1)));
  end loop;
  return v_all;
end
$$;

-- Return the five fields of a cron expression as JSON arrays, or raise.
create function df_graph.cron_fields(p_cron text) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_fields text[] := regexp_split_to_array(btrim(coalesce(p_cron, '')), '\s+');
  v_all jsonb;
begin
  if cardinality(v_fields) = 5 then
    v_all := jsonb_build_array(
      df_graph.cron_field(v_fields[1], 0, 59, null),
      df_graph.cron_field(v_fields[2], 0, 23, null),
      df_graph.cron_field(v_fields[3], 1, 31, null),
      df_graph.cron_field(v_fields[4], 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'),
      df_graph.cron_field(v_fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'),
      v_fields[3] <> '*' and v_fields[5] <> '*');
  end if;
  if v_all is null or v_all @> '[null]' then
    raise exception '% is not a cron expression of five fields', coalesce(quote_literal(p_cron), 'null')
      using errcode = 'PD001';
  end if;
  return v_all;
end
$$;

-- Return the moments at which the clocks of a zone show a time, or, if they skip it, show
-- the time that counts for it. Clocks are changed by two hours at most.
create function df_graph.moments(p_time timestamp, p_zone text) returns timestamptz[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(t order by t) filter (where t at time zone p_zone = p_time),
    array[p_time at time zone p_zone])
  from unnest('{-120,-60,-30,0,30,60,120}'::integer[]) m,
    lateral (select (p_time at time zone p_zone) + make_interval(mins => m)) x (t)
$$;

-- Return the first moment of a day, after `p_after`, that fits the hours and minutes.
create function df_engine.next_on(p_fields jsonb, p_day date, p_zone text,
  p_after timestamptz, p_repeats boolean) returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select min(t)
  from jsonb_array_elements_text(p_fields -> 1) h, jsonb_array_elements_text(p_fields -> 0) m,
    lateral (select p_day + make_interval(hours => h::integer, mins => m::integer)) x (shown),
    lateral (select df_graph.moments(shown, p_zone)) y (moments),
    lateral unnest(case when p_repeats then moments else moments[:1] end) t
  where t > p_after
$$;

-- Return the first time after `p_after` that fits. Days are looked at one by one, for
-- thirty years, which holds every date that exists; from the day before, because clocks
-- that are put back at midnight show that one again.
create function df_engine.next_time(p_cron text, p_after timestamptz,
  p_zone text default 'UTC') returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_fields jsonb := df_graph.cron_fields(p_cron);
  v_repeats boolean := (regexp_split_to_array(btrim(p_cron), '\s+'))[2] like '*%';
  v_day date := (p_after at time zone p_zone)::date - 1;
  v_time timestamptz;
  v_dom boolean;
  v_dow boolean;
begin
  for i in 0 .. 11000 loop
    v_dom := v_fields -> 2 @> to_jsonb(extract(day from v_day)::integer);
    v_dow := v_fields -> 4 @> to_jsonb(extract(dow from v_day)::integer)
      or extract(dow from v_day) = 0 and v_fields -> 4 @> '7';
    if v_fields -> 3 @> to_jsonb(extract(month from v_day)::integer)
       and (v_dom and v_dow or (v_fields ->> 5)::boolean and (v_dom or v_dow)) then
      v_time := df_engine.next_on(v_fields, v_day, p_zone, p_after, v_repeats);
      if v_time is not null then
        return v_time;
      end if;
    end if;
    v_day := v_day + 1;
  end loop;
  raise exception 'no time fits the cron expression %', p_cron using errcode = 'PD003';
end
$$;
