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
