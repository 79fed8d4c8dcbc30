-- Tables of the commands that stop runs and let them go on: pause and resume, retry of a
-- failed run, concurrency limits. A run that nobody stops has no row in any of them.

-- Tasks of paused runs. A worker that takes a task of a paused run puts it here; resuming
-- puts it back, so that what is due meanwhile waits without being looked at.
create table df_engine.paused_tasks (like df_engine.tasks, primary key (id));
create index paused_tasks_instance on df_engine.paused_tasks (instance);

-- Where runs failed: each task as it has to be put back for the run to go on from there,
-- see 65_retry_failed.sql. A failure that a graph answers to leaves rows that nothing
-- leads to; they go with the end of the run.
create table df_engine.failed_tasks (like df_engine.tasks, primary key (id));
create index failed_tasks_instance on df_engine.failed_tasks (instance);

-- Names as they were bound inside of a join or a race before it failed; failing gives
-- them to the surrounding frame, which has to be undone when the run goes on inside.
create table df_engine.failed_names (
  task bigint not null,             -- that waited for the branches
  instance bigint not null,
  node integer not null,            -- the join or race
  names jsonb not null,             -- [[node, item, scope, earlier], ...]
  primary key (task, node)
);
create index failed_names_instance on df_engine.failed_names (instance);

-- Runs with a concurrency key, from their start to their end: the active ones and those
-- that wait for their turn. `node` and `state` are the first task of one that waits; null
-- for one that has tasks to be put back.
create table df_engine.turns (
  instance bigint primary key,
  role regrole not null,
  key text not null,
  max_active integer,               -- as given at the start, null for none
  active boolean not null default false,
  node integer,
  state "char"
);
create index turns_order on df_engine.turns (role, key, active, instance);

-- The limit in force for a concurrency key. Locked by whoever gives the next turn; a
-- start does not touch it, so that starts never wait for each other.
create table df_engine.limits (
  role regrole not null,
  key text not null,
  max_active integer not null,
  latest bigint not null default 0, -- run that gave the limit
  primary key (role, key)
);
