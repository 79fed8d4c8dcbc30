-- For pg_durable: the rows that a `foreach` goes through, and what its items give.
--
-- The rows are kept here once; a result of the run would be copied into every round and
-- branch. A lane takes the next row that no lane has; asked again for the row after the
-- same position, it gets the same one, because a step may be executed twice. Lock order:
-- the rows of a list, in their order.

create table if not exists perdure.items (
  run_id text not null,
  list uuid not null,
  position bigint not null,
  item jsonb,
  lane integer,
  after bigint,
  result jsonb,
  primary key (list, position)
);
create unique index if not exists items_taken on perdure.items (list, lane, after)
  where lane is not null;
create index if not exists items_left on perdure.items (list, position) where lane is null;
alter table perdure.items enable row level security;

drop policy if exists own_runs on perdure.items;
create policy own_runs on perdure.items
  using (exists (select from df.instances as i where i.id = run_id));

-- Keep the rows of a JSON list; return what the list is called.
create function perdure.keep_items(p_run text, p_rows jsonb) returns uuid
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  with list as materialized (select gen_random_uuid() as id),
  kept as (
    insert into perdure.items (run_id, list, position, item)
    select p_run, list.id, r.position, r.item
    from list, jsonb_array_elements(p_rows) with ordinality as r (item, position)
  )
  select id from list
$$;

-- Take the next row for a lane, after the one at `p_after` (0 at the beginning). Gives
-- one row in any case: without a position when none is left.
create function perdure.next_item(p_list uuid, p_lane integer, p_after bigint)
returns table (place bigint, item jsonb)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  select i.position, i.item into place, item from perdure.items i
  where i.list = p_list and i.lane = p_lane and i.after = p_after;
  if not found then
    update perdure.items i set lane = p_lane, after = p_after
    where i.list = p_list and i.position = (
      select w.position from perdure.items w where w.list = p_list and w.lane is null
      order by w.position limit 1 for update skip locked)
    returning i.position, i.item into place, item;
  end if;
  return next;
end
$$;

-- Let no lane begin another row.
create function perdure.stop_items(p_list uuid) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  delete from perdure.items where list = p_list and lane is null;
  select true
$$;

-- Keep what an item gives.
create function perdure.keep_result(p_list uuid, p_position bigint, p_result jsonb)
returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  update perdure.items set result = p_result where list = p_list and position = p_position;
  select true
$$;

-- Return what the items gave, in their order.
create function perdure.item_results(p_list uuid) returns setof jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select result from perdure.items where list = p_list and result is not null
  order by position
$$;
