-- Splitting text into literals and references, once per graph.
--
-- SQL text is read as PostgreSQL reads it. Where a value can stand, `$name` becomes a
-- literal. Inside '...' and E'...' it becomes the value's text, escaped for that kind of
-- literal, so that a value is never code. Inside a dollar-quoted body and U&'...' it is
-- refused: a body may be code itself, and both have delimiters that a value could bring.
-- Comments and quoted identifiers are left alone. `{name}` (variables) counts outside of
-- literals, as code, and inside of strings, as text.

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

-- Return whether a token is white space or a comment.
create function df_engine.is_blank(p_kind text, p_token text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select p_kind = 'comment' or p_kind = 'other' and p_token !~ '\S' $$;

-- Return what a quote after this token would mean: 'e' for E'', 'u&' for U&'', else not
-- that. A string after another one, with only white space and comments between, goes on
-- with it, escapes and all; `p_goes_on` says that a string was the last thing before.
create function df_engine.quote_mode(p_mode text, p_goes_on boolean, p_kind text, p_token text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_kind = 'word' then lower(p_token)
    when p_token = '&' and p_mode = 'u' then 'u&'
    when p_kind in ('string', 'escape') then case when p_mode in ('e', 'u&') then p_mode else '' end
    when p_goes_on and df_engine.is_blank(p_kind, p_token) then p_mode
    else '' end
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
  v_mode text := '';
  v_goes_on boolean := false;
  v_token record;
  v_split record;
begin
  parts := '{}';
  refs := '[]';
  if p_sql !~ '[$][A-Za-z_]|[{][A-Za-z_]' then
    v_text := p_sql;
    v_at := length(p_sql) + 1;
  end if;
  while v_at <= length(p_sql) loop
    v_token := df_engine.token(substr(p_sql, v_at), v_mode = 'e');
    v_at := v_at + length(v_token.token);
    v_split := df_engine.split_token(v_token.kind, v_token.token, v_mode, p_names);
    if v_split.refs <> '[]' then
      parts := parts || (v_text || v_split.parts[1])
        || v_split.parts[2:cardinality(v_split.parts) - 1];
      refs := refs || v_split.refs;
      v_text := v_split.parts[cardinality(v_split.parts)];
    else
      v_text := v_text || v_token.token;
    end if;
    v_mode := df_engine.quote_mode(v_mode, v_goes_on, v_token.kind, v_token.token);
    v_goes_on := v_token.kind in ('string', 'escape')
      or v_goes_on and df_engine.is_blank(v_token.kind, v_token.token);
  end loop;
  parts := parts || v_text;
end
$$;

-- Split one token of SQL text; refs is empty when it is not one and contains none.
create function df_engine.split_token(p_kind text, p_token text, p_mode text, p_names text[],
  out parts text[], out refs jsonb)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ref jsonb;
begin
  refs := '[]';
  if p_kind = 'reference' then
    v_ref := df_engine.reference(p_token, p_names);
  elsif p_kind = 'variable' then
    v_ref := jsonb_build_object('v', btrim(p_token, '{}'));
  elsif p_kind = 'dollar' or p_kind = 'string' and p_mode = 'u&' then
    perform df_engine.refuse_reference(p_token, p_names);
  elsif p_kind in ('string', 'escape') and p_token ~ '[$][A-Za-z_]|[{][A-Za-z_]' then
    select s.parts, s.refs into parts, refs
    from df_engine.split_literal(p_token, p_kind, p_names) s;
  end if;
  if v_ref is not null then
    parts := '{"",""}';
    refs := jsonb_build_array(v_ref);
  end if;
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
  for v_name in select m[1] from regexp_matches(p_literal, '\$([A-Za-z_][A-Za-z0-9_]*)', 'g') m loop
    if v_name = any (p_names) then
      raise exception 'reference $% inside a dollar-quoted body, or an escape', v_name
        using errcode = 'PD001', detail = format('in: %s', left(p_literal, 200)),
        hint = 'A value there could become code. Use it outside, or inside of an ordinary string.';
    end if;
  end loop;
end
$$;

-- Split a string literal at its references, which are replaced by escaped text. In E''
-- a backslash before one would take the value's first character with it.
create function df_engine.split_literal(p_literal text, p_kind text, p_names text[],
  out parts text[], out refs jsonb)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  select s.parts, coalesce((select jsonb_agg(r || jsonb_build_object('in', p_kind) order by i)
    from jsonb_array_elements(s.refs) with ordinality a (r, i)), '[]')
  into parts, refs from df_engine.split_raw(p_literal, p_names) s;
  if p_kind = 'escape' and exists (select from unnest(parts[1:cardinality(parts) - 1]) part
      where length(substring(part from '\\*$')) % 2 = 1) then
    raise exception 'a backslash before a reference inside a literal' using errcode = 'PD001',
      detail = format('in: %s', left(p_literal, 200));
  end if;
end
$$;

-- Split raw text (a URL, a body, a header, the inside of a string): every reference
-- counts, wherever it stands.
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

-- Raise if a text holds more than one statement: the result of which one would be the
-- node's? (A body of `create function ... begin atomic` may hold several.)
create function df_engine.refuse_several(p_sql text) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at integer := 1;
  v_mode text := '';
  v_goes_on boolean := false;
  v_ended boolean := false;
  v_token record;
begin
  if p_sql is null or p_sql !~ ';\s*[^\s;]' or p_sql ~* '^\s*create\M' then
    return;
  end if;
  while v_at <= length(p_sql) loop
    v_token := df_engine.token(substr(p_sql, v_at), v_mode = 'e');
    v_at := v_at + length(v_token.token);
    if v_ended and not df_engine.is_blank(v_token.kind, replace(v_token.token, ';', ''))
       or v_token.kind = 'other' and v_token.token ~ ';[\s;]*[^\s;]' then
      raise exception 'a node is one statement, found more' using errcode = 'PD001',
        detail = format('in: %s', left(p_sql, 200)),
        hint = 'Make each a node of its own, df.seq(...), or put them into a function or a DO block.';
    end if;
    v_ended := v_ended or v_token.kind = 'other' and strpos(v_token.token, ';') > 0;
    v_mode := df_engine.quote_mode(v_mode, v_goes_on, v_token.kind, v_token.token);
    v_goes_on := v_token.kind in ('string', 'escape')
      or v_goes_on and df_engine.is_blank(v_token.kind, v_token.token);
  end loop;
end
$$;
