-- Names and branches. A result is bound in the frame of its branch; when the branch ends,
-- in the frame around it. Merging happens under the lock of the instance row, forgetting
-- under that of the branch's own task.

-- Forget what an earlier execution bound inside of a node.
create function df_engine.forget_inside(p_instance bigint, p_item integer,
  p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if p_item = 0 then
    update df_engine.node_runs set scope = null
    where instance = p_instance and node > p_node.node and node <= p_node.last_node
      and scope > p_node.node;
    if p_node.config ? 'again' then
      update df_engine.node_runs
      set earlier = df_engine.drop_earlier(earlier, p_node.node + 1, 2147483647)
      where instance = p_instance and node > p_node.node and node <= p_node.last_node
        and earlier is not null;
    end if;
    if p_node.config ? 'catches' then
      update df_engine.node_runs set scope = null
      where instance = p_instance and node < -p_node.node and node >= -p_node.last_node
        and scope > p_node.node;
    end if;
    return;
  end if;
  for n in p_node.node + 1 .. p_node.last_node loop
    update df_engine.node_runs
    set scope = case when scope > p_node.node then null else scope end,
      earlier = df_engine.drop_earlier(earlier, p_node.node + 1, 2147483647)
    where instance = p_instance and node = n and item = p_item
      and (scope > p_node.node or earlier is not null);
    if p_node.config ? 'catches' then
      update df_engine.node_runs set scope = null
      where instance = p_instance and node = -n and item = p_item and scope > p_node.node;
    end if;
  end loop;
end
$$;

-- Give the names bound in a branch to the frame that forked it. Where names are bound by
-- several nodes, the branch's take the place of the parent's.
create function df_engine.merge_names(p_instance bigint, p_graph integer, p_branch integer,
  p_item integer, p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if p_node.config ? 'catches' then
    perform df_engine.merge_errors(p_instance, p_graph, p_branch, p_item, p_node);
  end if;
  if p_item > 0 or p_node.config ? 'again' then
    perform df_engine.merge_each(p_instance, p_graph, p_branch, p_item, p_node);
    return;
  end if;
  if (select shared_names from df_engine.graphs where id = p_graph) then
    update df_engine.node_runs r set scope = null
    from df_engine.node_runs b
    join df_engine.nodes n on n.graph = p_graph and n.node = b.node
    where b.instance = p_instance and b.scope = p_branch and b.node >= p_branch
      and b.node <= p_node.last_node
      and r.instance = p_instance and r.node = any (n.rebinds) and r.scope = p_node.frame;
  end if;
  update df_engine.node_runs set scope = p_node.frame
  where instance = p_instance and node >= p_branch and node <= p_node.last_node
    and scope = p_branch;
end
$$;

-- Give the names bound in all branches of a join to the frame that forked them, if that can
-- be done at once; return whether it is to be done branch by branch, with merge_names().
create function df_engine.merge_branches(p_instance bigint, p_graph integer, p_item integer,
  p_node df_engine.nodes) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if p_item > 0 or p_node.config ?| '{catches,again}'
     or (select shared_names from df_engine.graphs where id = p_graph) then
    return true;
  end if;
  update df_engine.node_runs set scope = p_node.frame
  where instance = p_instance and node > p_node.node and node <= p_node.last_node
    and scope = any (p_node.children);
  return false;
end
$$;

-- Do the same where rows may have earlier results, and inside of an item. Each row is looked
-- up by its whole key: of the rows of a range of nodes, 10,000 items may have theirs.
create function df_engine.merge_each(p_instance bigint, p_graph integer, p_branch integer,
  p_item integer, p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_last integer := coalesce((select min(c) - 1 from unnest(p_node.children) c
    where c > p_branch), p_node.last_node);
  v_rebinds integer[];
begin
  for n in p_branch .. v_last loop
    update df_engine.node_runs r set
      scope = case when r.scope = p_branch then p_node.frame else r.scope end,
      earlier = case when r.scope = p_branch
        then df_engine.drop_earlier(r.earlier, p_node.frame, 2147483647)
        else df_engine.merge_earlier(r.earlier, p_branch, p_node.frame) end
    where r.instance = p_instance and r.node = n and r.item = p_item
      and (r.scope = p_branch or r.earlier is not null)
      and df_engine.is_bound(r.scope, r.earlier, p_branch);
    if found then
      select rebinds into v_rebinds from df_engine.nodes where graph = p_graph and node = n;
      perform df_engine.unbind(p_instance, v_rebinds, p_item, p_node.frame);
    end if;
  end loop;
end
$$;

-- Give the errors bound in a branch to the frame that forked it.
create function df_engine.merge_errors(p_instance bigint, p_graph integer, p_branch integer,
  p_item integer, p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_try record;
begin
  for v_try in
    select t.node, array(select b::integer from jsonb_array_elements_text(t.config -> 'b') b)
      as binders
    from df_engine.nodes t
    where t.graph = p_graph and t.op = 'try' and t.node between p_branch and p_node.last_node
      and t.config ? 'catch' and exists (select from df_engine.node_runs r
        where r.instance = p_instance and r.node = -t.node and r.item = p_item
          and r.scope = p_branch)
  loop
    perform df_engine.unbind(p_instance, v_try.binders, p_item, p_node.frame);
    update df_engine.node_runs set scope = p_node.frame
    where instance = p_instance and node = -v_try.node and item = p_item;
  end loop;
end
$$;
