-- Earlier results. A node has one row, for its latest execution; but what an earlier one
-- has bound must stay readable where the latest one is not: by a sibling, while a branch
-- executes the node again; and for ever when that fails, or its race is lost. So what a
-- result in a frame further in, or none, takes the place of is kept with the row, with the
-- frame it is bound in. Only a node inside of a loop or a retry ever comes to that.

-- Return the earlier results, with `p_result`, bound in `p_scope` until now, among them,
-- when a result in the frame `p_new` (null: none) becomes the latest: those further out.
create function df_engine.keep_earlier(p_earlier jsonb, p_scope integer, p_result text,
  p_new integer) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_all jsonb := coalesce(p_earlier, '[]');
begin
  if p_scope is not null then
    v_all := coalesce(df_engine.drop_earlier(v_all, p_scope, p_scope), '[]')
      || jsonb_build_array(jsonb_build_array(p_scope, p_result));
  end if;
  return df_engine.drop_earlier(v_all, p_new, 2147483647);
end
$$;

-- Return earlier results without those bound in a range of frames; null for none.
create function df_engine.drop_earlier(p_earlier jsonb, p_first integer, p_last integer)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(e) from jsonb_array_elements(p_earlier) e
  where (e ->> 0)::integer between p_first and p_last is not true
$$;

-- Return the earlier results of a row whose branch ends: what is bound in the branch is
-- bound in the frame around it from now on.
create function df_engine.merge_earlier(p_earlier jsonb, p_branch integer, p_frame integer)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(df_engine.drop_earlier(p_earlier, p_frame, 2147483647), '[]')
    || coalesce((select jsonb_build_array(jsonb_build_array(p_frame, e -> 1))
      from jsonb_array_elements(p_earlier) e where (e ->> 0)::integer = p_branch), '[]')
$$;

-- Return whether a result is bound in a frame, latest or earlier.
create function df_engine.is_bound(p_scope integer, p_earlier jsonb, p_frame integer)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_scope = p_frame, false) or exists (
    select from jsonb_array_elements(p_earlier) e where (e ->> 0)::integer = p_frame)
$$;

-- Return what a name stands for outside of all items, see bound_result(), where some of the
-- nodes that bind it have earlier results.
create function df_engine.bound_earlier(p_instance bigint, p_nodes integer[],
  p_scopes integer[], out result text, out scope integer)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select b.result, b.scope
  from df_engine.node_runs r
  cross join lateral (
    select r.result, r.scope
    union all
    select e ->> 1, (e ->> 0)::integer from jsonb_array_elements(r.earlier) e) b
  where r.instance = p_instance and r.node = any (p_nodes) and r.item = 0
    and b.scope = any (p_scopes)
  order by b.scope desc limit 1
$$;
