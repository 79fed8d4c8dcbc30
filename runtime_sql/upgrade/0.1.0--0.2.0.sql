-- From 0.1.0 to 0.2.0: what has changed in the tables, and nothing else.

alter table df_engine.tasks
  add column item integer not null default 0,
  add column first_item integer,
  add column next_item integer,
  add column last_item integer;

alter table df_engine.instances
  add column concurrency_key text,
  add column timeout interval,
  add column deadline timestamptz,
  add column paused_at timestamptz,
  add column pause_reason text,
  add column watched boolean;

-- df.foreach: a node runs once for each item.
alter table df_engine.node_runs
  add column item integer not null default 0,
  add column held text,
  add column filled text,
  add column earlier jsonb,
  drop constraint node_runs_pkey,
  add primary key (instance, node, item);

create table df_engine.items (
  instance bigint not null,
  item integer not null,
  parent_item integer not null,
  path integer[] not null,
  node integer not null,
  ordinal integer not null,
  value text not null,
  started_at timestamptz,
  finished_at timestamptz,
  outcome text,
  result text,
  primary key (instance, item)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- Roles that may let in others.
alter table df_engine.roles
  add column delegate boolean not null default false,
  add column granted_by regrole;

-- Statements that are handed over to the worker.
alter table df_engine.requests
  add column parts jsonb,
  add column secrets jsonb,
  add column pid integer,
  add column session timestamptz,
  add column lost integer not null default 0,
  add column expired integer not null default 0;

-- Steps that take too long.
create table df_engine.interrupts (
  xid text primary key,
  detail text not null,
  noted_at timestamptz not null default clock_timestamp()
);
revoke all on df_engine.interrupts from public;

-- Commands that stop runs and let them go on.
create table df_engine.paused_tasks (like df_engine.tasks, primary key (id));
create index paused_tasks_instance on df_engine.paused_tasks (instance);
create table df_engine.failed_tasks (like df_engine.tasks, primary key (id));
create index failed_tasks_instance on df_engine.failed_tasks (instance);
create table df_engine.failed_names (
  task bigint not null,
  instance bigint not null,
  node integer not null,
  names jsonb not null,
  primary key (task, node)
);
create index failed_names_instance on df_engine.failed_names (instance);
create table df_engine.turns (
  instance bigint primary key,
  role regrole not null,
  key text not null,
  max_active integer,
  active boolean not null default false,
  node integer,
  state "char"
);
create index turns_order on df_engine.turns (role, key, active, instance);
create table df_engine.limits (
  role regrole not null,
  key text not null,
  max_active integer not null,
  latest bigint not null default 0,
  primary key (role, key)
);

-- Branches that wait for the end of another run.
create table df_engine.calls (
  task bigint primary key,
  instance bigint not null,
  called bigint not null,
  owned boolean not null
);
create index calls_instance on df_engine.calls (instance);
create index calls_called on df_engine.calls (called);

-- Retention.
alter table df_engine.graphs add column label text;
alter table df_engine.settings
  add column keep_completed interval not null default '30 days' check (keep_completed >= '0'),
  add column keep_failed interval not null default '30 days' check (keep_failed >= '0'),
  add column keep_cancelled interval not null default '30 days' check (keep_cancelled >= '0'),
  add column keep_runs integer not null default 10000 check (keep_runs >= 0);
create table df_engine.retention (
  only_row boolean primary key default true check (only_row),
  phase "char" not null default 'c',
  scanned bigint not null default 0,
  counted_to bigint not null default 0,
  counted_for integer not null default 0,
  counts bigint[] not null default '{0,0,0}',
  surplus bigint[] not null default '{0,0,0}',
  pruned bigint[] not null default '{0,0,0}',
  leftover bigint[] not null default '{}',
  swept_at timestamptz
) with (fillfactor = 50);
insert into df_engine.retention default values;

-- Keys of `start` steps.
create table if not exists perdure.starts (
  role text not null default current_user,
  workflow text not null,
  key text not null,
  run_id text not null,
  started_at timestamptz not null default clock_timestamp(),
  primary key (role, workflow, key)
);
alter table perdure.starts enable row level security;

-- Rollbacks, and versions that are retired.
create table if not exists perdure.workflow_changes (
  workflow text not null,
  number integer not null check (number > 0),
  kind text not null check (kind in ('rollback', 'retire')),
  version integer not null,
  digest text not null,
  changed_at timestamptz not null default clock_timestamp(),
  changed_by text not null default current_user,
  primary key (workflow, number)
);
alter table perdure.workflow_versions add column if not exists retired_at timestamptz;
