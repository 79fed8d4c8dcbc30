-- Roles that may start runs. `id` names the executor df_exec.run_<id>; a regrole is kept
-- so that renaming a role, or dumping and restoring, leaves its runs intact.
create table df_engine.roles (
  id integer generated always as identity primary key,
  role regrole not null unique,
  http boolean not null default false
);

-- What a step sees of the session that started the run. Few distinct rows, many runs.
create table df_engine.profiles (
  id integer generated always as identity primary key,
  search_path text not null,
  time_zone text not null,
  unique (search_path, time_zone)
);

-- Graphs, kept once each; never updated.
create table df_engine.graphs (
  id integer generated always as identity primary key,
  digest bytea not null unique,
  envelope text not null,
  inputs text[] not null,           -- names that the graph reads of its input
  shared_names boolean not null,    -- some result name is bound by more than one node
  has_http boolean not null,
  start_node integer not null,      -- the root's first instruction that is not a sequence
  start_state "char" not null,      -- of the first task, see df_engine.tasks
  created_at timestamptz not null default clock_timestamp()
);

-- Instructions: the nodes of a graph in pre-order, with everything about control flow
-- that can be known beforehand.
create table df_engine.nodes (
  graph integer not null references df_engine.graphs on delete cascade,
  node integer not null,            -- pre-order position, 1 is the root
  op text not null,
  parent integer not null,          -- 0 above the root
  position integer not null,        -- among the parent's children, from 1
  last_node integer not null,       -- last node of the subtree
  children integer[] not null,
  name text,                        -- result name
  keep boolean not null,            -- somebody may read the result
  frame integer not null,           -- root node of the innermost branch that holds it
  scopes integer[] not null,        -- frames whose bindings the node sees, innermost first
  guarded boolean not null,         -- inside a race
  first_node integer not null,      -- where entering the node leads
  next_node integer not null,       -- after success: node to enter, or parent to notify
  next_state "char" not null,       -- 'x' leaf to execute, 'e' node to enter, 'p' notify parent
  rebinds integer[] not null,       -- other nodes that bind the same name
  parts text[],                     -- SQL text: literals, between them the references
  refs jsonb,                       -- references of `parts`, or null when there are none
  rows boolean,                     -- the statement returns rows (a hint that heals itself)
  config jsonb,                     -- what the other kinds of nodes need
  primary key (graph, node)
);

-- Runs. Written when a run starts and when it ends; no index covers what changes, so
-- that the second write stays on its page.
create table df_engine.instances (
  id bigint generated always as identity primary key,
  run_id text not null unique,
  graph integer not null references df_engine.graphs,
  role regrole not null,
  executor integer not null,
  profile integer not null references df_engine.profiles,
  label text,
  key text,
  status text not null default 'active'
    check (status in ('active', 'completed', 'failed', 'cancelled')),
  input jsonb not null,
  vars jsonb,
  result text,
  error text,
  sqlstate text,
  database text not null,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  completed_at timestamptz
) with (fillfactor = 85);

create unique index instances_key on df_engine.instances (role, key)
  where key is not null;

-- Active branches: the hot table. A run that waits is a row here, a run that ended is
-- none. States:
--   x  execute leaf `node`            e  enter `node`
--   d  `node` is done (a timer)       g  deliver a signal (no branch of its own)
--   s  wait for signal `signal`       h  wait for an HTTP response
--   j  wait for `pending` branches    f  branch ended; kept for its join
--   r  begin a round of loop `node`
create table df_engine.tasks (
  id bigint generated always as identity primary key,
  instance bigint not null,
  node integer not null,
  state "char" not null,
  frame integer not null,
  parent bigint,                    -- task that forked this branch
  epoch integer not null default 0, -- the parent's number of forks when it did
  forks integer not null default 0,
  pending integer not null default 0,
  ready_at timestamptz,             -- claimable now, in this order
  wake_at timestamptz,              -- claimable when df.now() reaches it
  since timestamptz,                -- when the node was entered, if it waits
  started_at timestamptz,           -- of the run, on the root task
  signal text,
  retries jsonb,                    -- retry node -> attempts that failed
  outcome text,                     -- of an ended branch: ok, failed, break, continue, return
  result text                       -- of an ended branch
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

create index tasks_ready on df_engine.tasks (ready_at) where ready_at is not null;
create index tasks_wake on df_engine.tasks (wake_at) where wake_at is not null;
create index tasks_instance on df_engine.tasks (instance);

-- Nodes that ran: the latest execution of each node of each run. A named result is
-- readable where `scope` is one of the reader's scopes.
create table df_engine.node_runs (
  instance bigint not null,
  node integer not null,
  status text not null,             -- running, completed, failed, cancelled
  executions integer not null default 1,
  attempts integer not null default 1,
  scope integer,
  row_count bigint,
  started_at timestamptz,
  finished_at timestamptz,
  wake_at timestamptz,
  round_at timestamptz,             -- of a loop: start of the round
  result text,
  rendered_sql text,
  error text,
  sqlstate text,
  detail text,
  context text,
  primary key (instance, node)
) with (fillfactor = 95);

-- Signals that no wait has taken yet.
create table df_engine.signals (
  id bigint generated always as identity primary key,
  instance bigint not null,
  name text not null,
  data text not null,
  sent_at timestamptz not null default clock_timestamp()
);
create index signals_inbox on df_engine.signals (instance, name, id);

-- HTTP requests that wait for a response.
create table df_engine.requests (
  id bigint generated always as identity primary key,
  task bigint not null unique,
  instance bigint not null,
  node integer not null,
  attempt integer not null default 0,   -- number of leases; fences late answers
  leased_until timestamptz,
  worker text,
  method text not null,
  url text not null,
  headers jsonb not null,
  body text,
  timeout_seconds integer not null,
  idempotency_key text not null
);
create index requests_instance on df_engine.requests (instance);

-- Variables of df.setvar, per role; a run takes a copy when it starts.
create table df_engine.vars (
  role regrole not null,
  name text not null,
  value text not null,
  primary key (role, name)
);

-- One row: the test clock (null is real time) and the settings of the engine.
create table df_engine.settings (
  only_row boolean primary key default true check (only_row),
  clock timestamptz,
  loop_pace interval not null default '1 second'
);
insert into df_engine.settings default values;

-- What df.work passes from claiming a task to doing it: scalars only, so that nothing
-- large is copied.
create type df_engine.step as (
  task bigint, instance bigint, graph integer, node integer, state "char", op text,
  frame integer, parent bigint, epoch integer, guarded boolean,
  executor integer, search_path text, time_zone text,
  sql text, rendered boolean, capture boolean, rows boolean,
  next_node integer, next_state "char", scope integer, rebinds integer[],
  again boolean, turn integer, claimed_at timestamptz, error text, active boolean
);

-- A walk's position in the graph: the branch, and what is to be done there. `how` is
-- 'e' enter `node`, 'r' begin a round of loop `node`, 'd' `node` is done, 'p' tell `node`
-- that its child `child` ended, '.' nothing more in this transaction.
create type df_engine.move as (
  task bigint, instance bigint, graph integer, frame integer, parent bigint, epoch integer,
  how "char", node integer, child integer, outcome text, result text, rounds integer
);

-- What a step's statement gave.
create type df_engine.outcome as (result text, row_count bigint);

-- What is known about a failure.
create type df_engine.failure as (
  message text, sqlstate text, detail text, context text, kind text, lost boolean
);
