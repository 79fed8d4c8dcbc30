-- Splitting text into literals and references, once per graph.
--
-- SQL text is read as PostgreSQL reads it: `$name` counts only where a value can stand.
-- Inside a string or a dollar-quoted body a reference is refused, because replacing it
-- there would turn data into code; comments and quoted identifiers are left alone.
-- `{name}` (variables) counts outside of literals and inside of strings.

-- Return the token at the start of `p_rest`, and its kind: string, escape (E''), quoted,
-- comment, dollar, reference, variable, word, or other.
create function df_engine.token(p_rest text, p_escape boolean, out kind text, out token text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_first text := left(p_rest, 1);
  v_tag text;
  v_end integer;
begin
  if v_first = '''' then
    kind := case when p_escape then 'escape' else 'string' end;
    token := case when p_escape then substring(p_rest from '^''(?:[^''\\]|\\.|'''')*''')
      else substring(p_rest from '^''(?:[^'']|'''')*''') end;
  elsif v_first = '"' then
    kind := 'quoted';
    token := substring(p_rest from '^"(?:[^"]|"")*"');
  elsif left(p_rest, 2) = '--' then
    kind := 'comment';
    token := substring(p_rest from '^--[^\n\r]*');
  elsif left(p_rest, 2) = '/*' then
    kind := 'comment';
    token := df_engine.block_comment(p_rest);
  elsif v_first = '$' then
    v_tag := substring(p_rest from '^\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$');
    if v_tag is not null then
      v_end := strpos(substr(p_rest, length(v_tag) + 1), v_tag);
      kind := 'dollar';
      token := case when v_end > 0 then left(p_rest, 2 * length(v_tag) + v_end - 1) end;
    else
      kind := 'reference';
      token := substring(p_rest from
        '^\$[A-Za-z_][A-Za-z0-9_]*(?:\.\*|(?:\.[A-Za-z_][A-Za-z0-9_]*)?\??)');
    end if;
  elsif v_first = '{' then
    kind := 'variable';
    token := substring(p_rest from '^\{[A-Za-z_][A-Za-z0-9_]*\}');
  else
    token := substring(p_rest from '^[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*');
    kind := case when token is null then 'other' else 'word' end;
    token := coalesce(token, substring(p_rest from '^[^''"$/{A-Za-z_\u0080-\uffff-]+'));
  end if;
  if token is null or token = '' then  -- a lone character, or a literal without an end
    kind := 'other';
    token := case when kind = 'other' and v_first in ('''', '"') then p_rest else v_first end;
  end if;
end
$$;

-- Return the block comment, comments nested, at the start of the text; null when it
-- does not end.
create function df_engine.block_comment(p_rest text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_depth integer := 0;
  v_at integer := 1;
  v_piece text;
begin
  loop
    v_piece := substring(substr(p_rest, v_at) from '^(?:(?!/\*|\*/).)*(?:/\*|\*/)');
    if v_piece is null then
      return null;
    end if;
    v_at := v_at + length(v_piece);
    v_depth := v_depth + case when right(v_piece, 2) = '/*' then 1 else -1 end;
    if v_depth = 0 then
      return left(p_rest, v_at - 1);
    end if;
  end loop;
end
$$;

-- Return a reference's token as {n: name, c: column, star, q: null is allowed}, or null
-- when the name is not bound in the graph.
create function df_engine.reference(p_token text, p_names text[]) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_match text[] := regexp_match(p_token, '^\$(\w+)(?:\.(\*|\w+))?(\?)?$');
begin
  if v_match[1] is null or not v_match[1] = any (p_names) then
    return null;
  end if;
  return jsonb_strip_nulls(jsonb_build_object('n', v_match[1],
    'c', nullif(v_match[2], '*'),
    'star', case when v_match[2] = '*' then true end,
    'q', case when v_match[3] is not null then true end));
end
$$;

-- Split SQL text into literals and the references between them: cardinality(parts) is
-- one more than the number of refs. The pieces joined are the text.
create function df_engine.split_sql(p_sql text, p_names text[],
  out parts text[], out refs jsonb)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at integer := 1;
  v_text text := '';
  v_word text := '';
  v_token record;
  v_split record;
  v_ref jsonb;
begin
  parts := '{}';
  refs := '[]';
  if p_sql !~ '[$][A-Za-z_]|[{][A-Za-z_]' then
    v_text := p_sql;
    v_at := length(p_sql) + 1;
  end if;
  while v_at <= length(p_sql) loop
    v_token := df_engine.token(substr(p_sql, v_at), lower(v_word) = 'e');
    v_at := v_at + length(v_token.token);
    v_word := case when v_token.kind = 'word' then v_token.token else '' end;
    v_ref := null;
    if v_token.kind = 'reference' then
      v_ref := df_engine.reference(v_token.token, p_names);
    elsif v_token.kind = 'variable' then
      v_ref := jsonb_build_object('v', btrim(v_token.token, '{}'));
    elsif v_token.kind in ('string', 'escape', 'dollar') then
      perform df_engine.refuse_reference(v_token.token, p_names);
    end if;
    if v_token.kind in ('string', 'escape') and v_token.token ~ '[{][A-Za-z_]\w*[}]' then
      v_split := df_engine.split_literal(v_token.token, v_token.kind);
      parts := parts || (v_text || v_split.parts[1])
        || v_split.parts[2:cardinality(v_split.parts) - 1];
      refs := refs || v_split.refs;
      v_text := v_split.parts[cardinality(v_split.parts)];
    elsif v_ref is not null then
      parts := parts || v_text;
      refs := refs || v_ref;
      v_text := '';
    else
      v_text := v_text || v_token.token;
    end if;
  end loop;
  parts := parts || v_text;
end
$$;

-- Raise if a literal contains something that looks like a reference to a bound name.
create function df_engine.refuse_reference(p_literal text, p_names text[]) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  if strpos(p_literal, '$') = 0 then
    return;
  end if;
  for v_name in select m[1] from regexp_matches(p_literal, '\$([A-Za-z_][A-Za-z0-9_]*)', 'g') m loop
    if v_name = any (p_names) then
      raise exception 'reference $% inside a literal', v_name using errcode = 'PD001',
        detail = format('in: %s', left(p_literal, 200)),
        hint = format('Write ''... '' || $%s instead; a value is never placed inside a literal.', v_name);
    end if;
  end loop;
end
$$;

-- Split a string literal at its variables, which are replaced by escaped text.
create function df_engine.split_literal(p_literal text, p_kind text,
  out parts text[], out refs jsonb)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  parts := regexp_split_to_array(p_literal, '[{][A-Za-z_][A-Za-z0-9_]*[}]');
  select jsonb_agg(jsonb_build_object('v', m[1], 'in', p_kind)) into refs
  from regexp_matches(p_literal, '[{]([A-Za-z_][A-Za-z0-9_]*)[}]', 'g') m;
end
$$;

-- Split raw text (a URL, a body, a header): every reference counts, wherever it stands.
create function df_engine.split_raw(p_text text, p_names text[],
  out parts text[], out refs jsonb)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_match text;
  v_at integer;
  v_done integer := 1;
  v_from integer := 1;
  v_ref jsonb;
begin
  parts := '{}';
  refs := '[]';
  for v_match in
    select m[1] from regexp_matches(p_text,
      '(\$[A-Za-z_][A-Za-z0-9_]*(?:\.\*|(?:\.[A-Za-z_][A-Za-z0-9_]*)?\??)|[{][A-Za-z_][A-Za-z0-9_]*[}])',
      'g') m
  loop
    v_at := v_from + strpos(substr(p_text, v_from), v_match) - 1;
    v_from := v_at + length(v_match);
    v_ref := case when left(v_match, 1) = '$' then df_engine.reference(v_match, p_names)
      else jsonb_build_object('v', btrim(v_match, '{}')) end;
    if v_ref is not null then
      parts := parts || substr(p_text, v_done, v_at - v_done);
      refs := refs || v_ref;
      v_done := v_from;
    end if;
  end loop;
  parts := parts || substr(p_text, v_done);
end
$$;
