-- From 0.1.0 to 0.2.0: what has changed in the tables, and nothing else.

-- Runs that `start` steps have started with a key.
create table perdure.starts (
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

-- What handles failures, goes through rows, waits for other runs, and bounds runs.
create table if not exists perdure.failures (
  run_id text not null,
  scope text not null,
  step text not null,
  message text not null,
  sqlstate text not null,
  detail text not null,
  kind text,
  failed_at timestamptz not null default clock_timestamp(),
  primary key (run_id, scope)
);
alter table perdure.failures enable row level security;
create table if not exists perdure.ledger (
  run_id text not null,
  entry text not null,
  ok boolean,
  rows jsonb,
  primary key (run_id, entry)
);
alter table perdure.ledger enable row level security;
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
create table if not exists perdure.requests (
  id uuid primary key default gen_random_uuid(),
  run_id text not null,
  url text not null,
  body text,
  headers text[] not null,
  parts text[] not null,
  sent_by text
);
alter table perdure.requests enable row level security;
create table if not exists perdure.turns (
  run_id text primary key,
  role text not null default current_user,
  key text not null,
  ticket bigint generated always as identity
);
create index if not exists turns_of_key on perdure.turns (role, key, ticket);
alter table perdure.turns enable row level security;
create table if not exists perdure.ticks (
  supervisor text primary key,
  role text not null default current_user,
  last_run text,
  count bigint not null default 0
);
alter table perdure.ticks enable row level security;
