-- Roles that may start runs. `id` names the executor df_exec.run_<id>; a regrole is kept
-- so that renaming a role, or dumping and restoring, leaves its runs intact.
create table df_engine.roles (
  id integer generated always as identity primary key,
  role regrole not null unique,
  http boolean not null default false,
  delegate boolean not null default false,  -- may let in others
  granted_by regrole                        -- null: the owner of the runtime
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
  created_at timestamptz not null default clock_timestamp(),
  label text                        -- of removed runs, where it names a deployed version
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
  short_runs integer not null default 0,  -- how often it was short, see 58_batch.sql
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
  search_path text not null,        -- what a step sees of the session that started it
  time_zone text not null,
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
  completed_at timestamptz,
  concurrency_key text,
  timeout interval,
  deadline timestamptz,             -- timers' time; the run fails when it is not done by then
  paused_at timestamptz,            -- null: not paused
  pause_reason text,
  watched boolean                   -- a df.call waits for its end
) with (fillfactor = 85);

create unique index instances_key on df_engine.instances (role, key)
  where key is not null;

-- Active branches: the hot table. A run that waits is a row here, a run that ended is
-- none. A row is ready (`ready_at`), timed (`wake_at`), or waits for others. It leaves
-- the first two only by being replaced, never by an update: a claim with an older
-- snapshot follows updates, locks the newest version before it sees that it is not
-- wanted, and would hide the row from SKIP LOCKED for as long as its own step takes.
-- States:
--   x  execute leaf `node`            e  enter `node`
--   d  `node` is done (a timer)       g  deliver a signal (no branch of its own)
--   s  wait for signal `signal`       h  wait for an HTTP response
--   j  wait for `pending` branches    f  branch ended; kept for its join
--   t  timer of timeout `node`        c  wait for a called run
--   r  begin a round of loop `node`   k  execute leaf `node`, carefully (59_suspects.sql)
--   o  the run's deadline             q  give the next turns of the run's concurrency key
--   a  leaf `node` is done, and with it the last of the branches that a join waits for
create table df_engine.tasks (
  id bigint generated by default as identity primary key,
  instance bigint not null,
  frame integer not null,
  item integer not null default 0,  -- of the innermost df.foreach, 0 outside of any
  node integer not null,            -- what a step changes stands together: less WAL
  state "char" not null,
  turns smallint not null default 0,  -- steps since it queued, see 58_ahead.sql
  moved_at timestamptz not null default clock_timestamp(),  -- when it came to its node
  parent bigint,                    -- task that forked this branch
  epoch integer not null default 0, -- the parent's number of forks when it did
  forks integer not null default 0,
  pending integer not null default 0,
  ready_at timestamptz,             -- claimable now, in this order
  wake_at timestamptz,              -- claimable when df.now() reaches it
  started_at timestamptz,           -- of the run, on the root task
  signal text,
  retries jsonb,                    -- retry node -> attempts that failed
  outcome text,                     -- of an ended branch: ok, failed, break, continue, return
  result text,                      -- of an ended branch
  first_item integer,               -- of a foreach that waits for its items
  next_item integer,                -- the next one to begin
  last_item integer
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0);

create index tasks_ready on df_engine.tasks (ready_at) where ready_at is not null;
create index tasks_wake on df_engine.tasks (wake_at) where wake_at is not null;
create index tasks_instance on df_engine.tasks (instance);

-- Nodes that ran: the latest execution of each node of each run, inside of a df.foreach
-- of each item. A named result is readable where `scope` is one of the reader's scopes
-- and `item` is the reader's or one that holds it.
create table df_engine.node_runs (
  instance bigint not null,
  node integer not null,
  item integer not null default 0,
  status text not null,             -- running, completed, failed, cancelled
  executions integer not null default 1,
  attempts integer not null default 1,
  scope integer,
  row_count bigint,
  earlier jsonb,                    -- [[scope, result], ...] of earlier executions that
                                    -- are bound further out, see 51_earlier.sql
  started_at timestamptz,
  finished_at timestamptz,
  wake_at timestamptz,
  round_at timestamptz,             -- of a loop: start of the round
  result text,
  held text,                        -- of a try: the outcome that waits for `finally`;
                                    -- of a foreach: its first and last item
  rendered_sql text,                -- the statement, where it has references ...
  filled text,                      -- ... or what of it filled() returns
  error text,
  sqlstate text,
  detail text,
  context text,
  primary key (instance, node, item)
) with (fillfactor = 95);

-- Items of df.foreach: the rows that its query gave, read once. An item's number is its
-- own within the run; the items of one execution of a foreach have numbers in sequence.
create table df_engine.items (
  instance bigint not null,
  item integer not null,
  parent_item integer not null,     -- item that holds the foreach, 0 for none
  path integer[] not null,          -- 0, the items that hold this one, this one
  node integer not null,            -- the foreach
  ordinal integer not null,         -- from 1
  value text not null,              -- the row
  started_at timestamptz,
  finished_at timestamptz,
  outcome text,                     -- ok, failed, break, continue, return, lost
  result text,                      -- what `collect` gave, or the failure
  primary key (instance, item)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- Branches that wait for the end of another run.
create table df_engine.calls (
  task bigint primary key,
  instance bigint not null,
  called bigint not null,
  owned boolean not null            -- started by the call itself, and cancelled with it
);
create index calls_instance on df_engine.calls (instance);
create index calls_called on df_engine.calls (called);

-- Signals that no wait has taken yet.
create table df_engine.signals (
  id bigint generated always as identity primary key,
  instance bigint not null,
  name text not null,
  data text not null,
  sent_at timestamptz not null default clock_timestamp()
);
create index signals_inbox on df_engine.signals (instance, name, id);

-- HTTP requests that wait for a response, and statements that were handed over.
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
  idempotency_key text not null,
  parts jsonb,                          -- of a multipart body
  secrets jsonb,                        -- names of secrets by the tokens in their place
  -- Of a statement that was handed over, whose method is SQL and whose body it is, see
  -- 59_handed_over.sql: the session that executes it, and how often one was lost.
  pid integer,
  session timestamptz,
  lost integer not null default 0,
  expired integer not null default 0
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
  loop_pace interval not null default '1 second',
  batch_ms integer not null default 5 check (batch_ms between 0 and 1000),
  -- How long ended runs are kept, and how many of each status; 0: all, for ever.
  keep_completed interval not null default '30 days' check (keep_completed >= '0'),
  keep_failed interval not null default '30 days' check (keep_failed >= '0'),
  keep_cancelled interval not null default '30 days' check (keep_cancelled >= '0'),
  keep_runs integer not null default 10000 check (keep_runs >= 0)
);
insert into df_engine.settings default values;

-- What df.work passes from claiming a task to doing it. The last four fields are for
-- rendering, and empty afterwards, so that nothing large is copied.
create type df_engine.step as (
  task bigint, instance bigint, graph integer, node integer, state "char", op text,
  frame integer, item integer, parent bigint, epoch integer, guarded boolean,
  executor integer, search_path text, time_zone text,
  sql text, rendered boolean, capture boolean, rows boolean,
  next_node integer, next_state "char", scope integer, rebinds integer[],
  again boolean, turn integer, claimed_at timestamptz, error text, active boolean,
  ready_at timestamptz, short_runs integer, plain boolean,
  parts text[], refs jsonb, scopes integer[], input jsonb
);

-- A step of a batch that has been done and is to be recorded with the others.
create type df_engine.done as (
  task bigint, instance bigint, node integer, item integer, scope integer, next_node integer,
  next_state "char", parent bigint, turn integer, started_at timestamptz,
  finished_at timestamptz, result text, row_count bigint, filled text
);

-- A walk's position in the graph: the branch, and what is to be done there. `how` is
-- 'e' enter `node`, 'r' begin a round of loop `node`, 'd' `node` is done, 'p' tell `node`
-- that its child `child` ended, '.' nothing more in this transaction.
create type df_engine.move as (
  task bigint, instance bigint, graph integer, frame integer, item integer, parent bigint,
  epoch integer,
  how "char", node integer, child integer, outcome text, result text, rounds integer
);

-- What a step's statement gave.
create type df_engine.outcome as (result text, row_count bigint);

-- What is known about a failure.
create type df_engine.failure as (
  message text, sqlstate text, detail text, context text, kind text, lost boolean
);
