-- Values in compiled SQL: JSON that may not be any, and literals of inputs.

-- Return text as JSON, null when it is not JSON (or holds what jsonb cannot, like a
-- NUL); an answer over HTTP may be anything.
create function perdure.parse_json(p_text text) returns jsonb
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_text::jsonb;
exception when data_exception or program_limit_exceeded then
  return null;
end
$$;

-- Return a SQL constant of a text that no one can read as code, as a reference or as a
-- variable: it contains no dollar sign, no brace and no quote of the text's own. Short
-- texts of harmless characters are quoted, all others are the hex of their UTF-8 form.
create function perdure.literal(p_text text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_text is null then 'null'
    when p_text ~ '^[0-9A-Za-z_ .:+-]{0,64}$' then '''' || p_text || ''''
    else 'convert_from(decode(''' || encode(convert_to(p_text, 'UTF8'), 'hex')
      || ''', ''hex''), ''UTF8'')'
  end
$$;

-- Return true, or raise PD013 unless the data of a signal has the form that the workflow
-- declares. `p_shape` is a type's name, an object of shapes by member, or a list of one
-- shape; `{"?": shape}` is one that may be null. A wait that timed out has no data.
create function perdure.check_signal(p_signal jsonb, p_shape jsonb) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wrong text;
begin
  if p_signal -> 'timed_out' = 'true' then
    return true;
  end if;
  v_wrong := perdure.misfit(p_signal -> 'data', p_shape, 'data');
  if v_wrong is not null then
    raise exception 'signal %: %', to_json(p_signal ->> 'signal_name'), v_wrong
      using errcode = 'PD013', detail = format('The signal carried %s.', p_signal -> 'data');
  end if;
  return true;
end
$$;

-- Return how a value does not fit a shape, null when it does; `p_place` names it.
create function perdure.misfit(p_value jsonb, p_shape jsonb, p_place text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_null boolean := coalesce(p_value, 'null') = 'null';
begin
  if p_shape ? '?' and jsonb_typeof(p_shape) = 'object' then
    return case when not v_null then perdure.misfit(p_value, p_shape -> '?', p_place) end;
  elsif v_null then
    return format('%s is missing or null', p_place);
  end if;
  case jsonb_typeof(p_shape)
    when 'object' then
      if jsonb_typeof(p_value) <> 'object' then
        return format('%s is %s, expected an object', p_place, p_value);
      end if;
      return (select string_agg(wrong, '; ') from (
        select perdure.misfit(p_value -> s.key, s.value, p_place || '.' || s.key) as wrong
        from jsonb_each(p_shape) s order by s.key) as members);
    when 'array' then
      if jsonb_typeof(p_value) <> 'array' then
        return format('%s is %s, expected a list', p_place, p_value);
      end if;
      return (select string_agg(wrong, '; ') from (
        select perdure.misfit(i.item, p_shape -> 0, format('%s[%s]', p_place, i.n - 1)) as wrong
        from jsonb_array_elements(p_value) with ordinality as i (item, n)) as items);
    else
      return perdure.misfit_type(p_value, p_shape #>> '{}', p_place);
  end case;
end
$$;

-- Return how a value cannot be read as a type, null when it can.
create function perdure.misfit_type(p_value jsonb, p_type text, p_place text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_type in ('json', 'jsonb') then
    return null;
  elsif jsonb_typeof(p_value) = 'array' and p_type like '%[]' then
    execute format('select t.v from jsonb_to_record(%L) as t (v %s)',
      jsonb_build_object('v', p_value), p_type);
    return null;
  elsif jsonb_typeof(p_value) in ('object', 'array') then
    return format('%s is %s, expected %s', p_place, p_value, p_type);
  end if;
  execute format('select cast(%L as %s)', p_value #>> '{}', p_type);
  return null;
exception when data_exception or undefined_object or integrity_constraint_violation then
  return format('%s is %s, expected %s', p_place, p_value, p_type);
end
$$;

-- Return a value with what its shape names and nothing else, each part as its type writes
-- it: what a workflow reads whole is what it reads member by member. What does not fit
-- comes out as it is, or fails as reading the member does.
create function perdure.shaped(p_value jsonb, p_shape jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shape jsonb := coalesce(p_shape -> '?', p_shape);
begin
  if coalesce(p_value, 'null') = 'null' then
    return null;
  elsif jsonb_typeof(v_shape) = 'string' then
    return perdure.shaped_as(p_value, v_shape #>> '{}');
  elsif jsonb_typeof(v_shape) <> jsonb_typeof(p_value) then
    return p_value;
  elsif jsonb_typeof(v_shape) = 'object' then
    return (
      select coalesce(jsonb_object_agg(s.key, perdure.shaped(p_value -> s.key, s.value)), '{}')
      from jsonb_each(v_shape) s);
  end if;
  return (select coalesce(jsonb_agg(perdure.shaped(i.item, v_shape -> 0) order by i.n), '[]')
    from jsonb_array_elements(p_value) with ordinality as i (item, n));
end
$$;

-- Return a value as a type writes it.
create function perdure.shaped_as(p_value jsonb, p_type text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_value jsonb;
begin
  if p_type in ('json', 'jsonb') or p_type = 'text' and jsonb_typeof(p_value) = 'string' then
    return p_value;
  elsif p_type like '%[]' and jsonb_typeof(p_value) = 'array' then
    execute format('select to_jsonb(t.v) from jsonb_to_record(%L) as t (v %s)',
      jsonb_build_object('v', p_value), p_type) into v_value;
  else
    execute format('select to_jsonb(cast(%L as %s))', p_value #>> '{}', p_type) into v_value;
  end if;
  return v_value;
end
$$;

-- Return why the body of a response cannot be read as JSON.
create function perdure.not_json(p_response jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_response ->> 'body', '') = '' then
    return 'the response is empty, JSON was expected';
  elsif p_response ->> 'encoding' = 'base64' then
    return 'the response is no text, JSON was expected';
  end if;
  perform (p_response ->> 'body')::jsonb;
  return null;
exception when data_exception or program_limit_exceeded then
  return 'the response is no JSON that PostgreSQL can keep: ' || sqlerrm;
end
$$;

-- Return true, or raise: PD024 unless the status of a response is among those expected
-- (`201`, or a class as `2xx`; null: any), PD025 unless the JSON of one that is ok has the
-- form that the workflow declares (null: any); see perdure.misfit.
create function perdure.check_response(p_response jsonb, p_statuses text[], p_shape jsonb,
  p_step text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_status text := p_response ->> 'status';
  v_json jsonb;
  v_wrong text;
begin
  if p_statuses is not null
     and not (v_status = any (p_statuses) or left(v_status, 1) || 'xx' = any (p_statuses)) then
    raise exception 'step "%": HTTP status %, expected %', p_step, v_status,
      array_to_string(p_statuses, ' or ')
      using errcode = 'PD024', detail = left(p_response ->> 'body', 2000);
  elsif p_shape is null or p_response -> 'ok' <> 'true' then
    return true;
  end if;
  v_json := perdure.parse_json(p_response ->> 'body');
  v_wrong := perdure.misfit(v_json, p_shape, 'json');
  if v_wrong is not null then
    raise exception 'step "%": %', p_step,
      case when v_json is null then perdure.not_json(p_response) else v_wrong end
      using errcode = 'PD025', detail = left(p_response ->> 'body', 2000);
  end if;
  return true;
end
$$;

-- Return the JSON of a response that is ok, null for another one: the body of an error
-- has a form of its own.
create function perdure.response_json(p_response jsonb) returns jsonb
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case when p_response -> 'ok' = 'true'
    then perdure.parse_json(p_response ->> 'body') end
$$;

-- Return the body of a response as it came, in base64.
create function perdure.response_bytes(p_response jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case when p_response ->> 'encoding' = 'base64' then p_response ->> 'body'
    else encode(convert_to(p_response ->> 'body', 'UTF8'), 'base64') end
$$;
