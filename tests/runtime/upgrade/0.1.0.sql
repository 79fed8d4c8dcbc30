begin;

-- 10_schemas.sql
-- Perdure's in-database runtime: durable execution of df graphs in plain SQL and
-- PL/pgSQL, PostgreSQL 14 to 18. Install the files of this folder in the order of
-- their names, in one transaction.
--
--   10 schemas, error codes, tables       50 claim, record, walk, branches, waits, http
--   20 node functions (the df language)   60 roles, commands, views, the API
--   30 preparing a graph                  80 schema perdure
--   40 rendering of SQL text, schedules   90 privileges
--
-- How a run proceeds. `df.start` prepares a graph once (flattened into numbered
-- instructions, df_engine.nodes) and inserts a run (df_engine.instances) and its first
-- task (df_engine.tasks). A task is one active branch of a run; it carries the number of
-- the instruction that is to be done next. `df.work` claims a ready task by row lock,
-- does one leaf instruction, walks the graph to the next leaf and commits: effect,
-- checkpoint and successor in one transaction.
--
-- Lock order, everywhere: own task (only ever by SKIP LOCKED, or as the sole waiter),
-- then the instance row, then tasks of other branches (only by SKIP LOCKED or when they
-- cannot be claimed), then df_engine.node_runs. Whoever holds an instance row waits for
-- no task, so the order has no cycle.
--
-- Errors. SQLSTATE class PD is ours:
--   PD001 invalid graph                 PD010 expectation about a row count not met
--   PD002 no such run, or not visible   PD011 perdure.fail
--   PD003 invalid argument              PD012 perdure.assert
--   PD004 reference cannot be resolved  PD020 HTTP status 5xx
--   PD005 role has no executor          PD021 HTTP transport error or another failure
--   PD006 break or continue outside     PD022 HTTP request refused by the address guard
--         of a loop                     PD023 HTTP response too large
--   PD013 signal of another form than the workflow declares
--   PD030 step ended its session, again and again

create schema df;
create schema df_engine;
-- Pure functions that the API shares; open to its users, unlike the two schemas beside it.
create schema df_graph;
-- Holds one executor function per role; nobody but the owner may look names up in it.
create schema df_exec;

revoke all on schema df, df_engine, df_graph, df_exec from public;

-- Return the version of the installed runtime; changes with every change of its files'
-- meaning, compared by the installer.
create function df.runtime_version() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '0.1.0' $$;
-- 11_tables.sql
-- Roles that may start runs. `id` names the executor df_exec.run_<id>; a regrole is kept
-- so that renaming a role, or dumping and restoring, leaves its runs intact.
create table df_engine.roles (
  id integer generated always as identity primary key,
  role regrole not null unique,
  http boolean not null default false
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
  completed_at timestamptz
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
--   r  begin a round of loop `node`   k  execute leaf `node`, carefully (59_suspects.sql)
create table df_engine.tasks (
  id bigint generated by default as identity primary key,
  instance bigint not null,
  frame integer not null,
  node integer not null,            -- what a step changes stands together: less WAL
  state "char" not null,
  turns smallint not null default 0,  -- steps since it queued
  moved_at timestamptz not null default clock_timestamp(),  -- end of the last step
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
  loop_pace interval not null default '1 second',
  batch_ms integer not null default 5 check (batch_ms between 0 and 1000)
);
insert into df_engine.settings default values;

-- What df.work passes from claiming a task to doing it. The last four fields are for
-- rendering, and empty afterwards, so that nothing large is copied.
create type df_engine.step as (
  task bigint, instance bigint, graph integer, node integer, state "char", op text,
  frame integer, parent bigint, epoch integer, guarded boolean,
  executor integer, search_path text, time_zone text,
  sql text, rendered boolean, capture boolean, rows boolean,
  next_node integer, next_state "char", scope integer, rebinds integer[],
  again boolean, turn integer, claimed_at timestamptz, error text, active boolean,
  ready_at timestamptz, short_runs integer,
  parts text[], refs jsonb, scopes integer[], input jsonb
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
-- 20_nodes.sql
-- The df language, first part: the node functions of pg_durable's API.
--
-- A graph is text: a JSON array of its nodes in pre-order, each composite node naming
-- its number of children (`"n"`). Composing is concatenation, no depth is ever parsed,
-- and the position in the array is the node's number. `df` (or `as`) is always the
-- first key, which is how a graph is told from a statement: no statement starts so.
-- All node functions are immutable, so that a graph of constants is built once per
-- plan. (Nested JSON was the other way: it needs a stack per level of nesting.)

-- Return the elements of a graph without its brackets; a plain string becomes an SQL
-- node.
create function df_graph.elements(p_node text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_node is null then
    raise exception 'a node is missing: the argument is null' using errcode = 'PD001';
  end if;
  if left(p_node, 7) in ('[{"df":', '[{"as":') then
    return substr(p_node, 2, length(p_node) - 2);
  end if;
  return '{"df":"sql","q":' || to_json(p_node) || '}';
end
$$;

-- Return a composite node: `p_extra` is text of further keys, each led by a comma.
create function df_graph.composite(p_op text, p_children text[], p_extra text default '')
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := '[{"df":"' || p_op || '","n":' || cardinality(p_children) || p_extra || '}';
  v_child text;
begin
  foreach v_child in array p_children loop
    v_text := v_text || ',' || df_graph.elements(v_child);
  end loop;
  return v_text || ']';
end
$$;

-- Return `,"key":value`, or nothing for null.
create function df_graph.pair(p_key text, p_value anyelement) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select coalesce(',' || to_json(p_key) || ':' || to_json(p_value), '') $$;

-- One statement, committed together with its checkpoint.
create function df.sql(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if query is null then
    raise exception 'df.sql: the query is null' using errcode = 'PD001';
  end if;
  return '[{"df":"sql","q":' || to_json(query) || '}]';
end
$$;

-- One node after the other; the result is the last one's.
create function df.seq(variadic nodes text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(nodes), 0) = 0 then
    raise exception 'df.seq: no nodes' using errcode = 'PD001';
  end if;
  return df_graph.composite('seq', nodes);
end
$$;

-- Bind the result of a node to a name, read as `$name` afterwards; naming a node again
-- replaces its name.
create function df."as"(node text, name text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_rest text := df_graph.elements(node);
begin
  if name is null or name !~ '^[A-Za-z_][A-Za-z0-9_]*$' or name = 'input' then
    raise exception 'df.as: % is not a name for a result', coalesce(quote_literal(name), 'null')
      using errcode = 'PD001', detail =
      'A name is letters, digits and underscores, does not start with a digit, and is not "input".';
  end if;
  if left(v_rest, 6) = '{"as":' then
    v_rest := '{' || substr(v_rest, strpos(v_rest, ',') + 1);
  end if;
  return '[{"as":"' || name || '",' || substr(v_rest, 2) || ']';
end
$$;

-- All branches, side by side; the result is the array of theirs.
create function df.join(variadic branches text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(branches), 0) = 0 then
    raise exception 'df.join: no branches' using errcode = 'PD001';
  end if;
  return df_graph.composite('join', branches);
end
$$;

-- `df.join` of three branches.
create function df.join3(a text, b text, c text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select df."join"(a, b, c) $$;

-- All branches, side by side; the first that ends, well or not, decides.
create function df.race(variadic branches text[]) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(branches), 0) = 0 then
    raise exception 'df.race: no branches' using errcode = 'PD001';
  end if;
  return df_graph.composite('race', branches);
end
$$;

-- One of two nodes, by the truth of the first column of the first row of `condition`;
-- without `else_node` there may be nothing to do.
create function df."if"(condition text, then_node text, else_node text default null)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('if', case when else_node is null
    then array[condition, then_node] else array[condition, then_node, else_node] end)
$$;

-- One of two nodes, by whether a bound result has rows.
create function df.if_rows(result_name text, then_node text, else_node text default null)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('if_rows',
    case when else_node is null then array[then_node] else array[then_node, else_node] end,
    df_graph.pair('of', result_name))
$$;

-- The body, again while the condition holds (for ever without one), not faster than
-- the engine's loop pace.
create function df.loop(body text, condition text default null,
  continue_on_failure boolean default false) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.composite('loop',
    case when condition is null then array[body] else array[body, condition] end,
    case when continue_on_failure then ',"go_on":true' else '' end)
$$;

-- End the nearest loop; its result is the value: JSON if it is valid JSON, else a
-- string. Never substituted.
create function df.break(value text default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"break","v":' || df_graph.as_json(value) || '}]';
end
$$;

-- Return text as JSON text: itself when it is valid, a JSON string otherwise.
create function df_graph.as_json(p_text text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((p_text::json)::text, 'null');
exception when invalid_text_representation or untranslatable_character then
  return to_json(p_text)::text;
end
$$;

-- A durable timer of whole seconds.
create function df.sleep(seconds bigint) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if seconds is null or seconds < 0 then
    raise exception 'df.sleep: % is not a number of seconds', seconds using errcode = 'PD001';
  end if;
  return '[{"df":"sleep","s":' || seconds || '}]';
end
$$;

-- Wait for a signal; the result is {signal_name, timed_out, data}.
create function df.wait_for_signal(name text, timeout_seconds integer default null)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(name, '') = '' or timeout_seconds < 0 then
    raise exception 'df.wait_for_signal: a name, and a timeout that is not negative, are needed'
      using errcode = 'PD001';
  end if;
  return '[{"df":"signal","name":' || to_json(name)
    || df_graph.pair('s', timeout_seconds) || '}]';
end
$$;

-- Wait for the next time that fits a five-field cron expression, in UTC.
create function df.wait_for_schedule(cron text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_graph.cron_fields(cron);
  return '[{"df":"schedule","cron":' || to_json(cron) || '}]';
end
$$;

-- An HTTP request, made by the worker process; references in url, body and header
-- values are replaced. The result is {status, body, encoding, headers, ok, duration_ms}.
create function df.http(url text, method text default 'POST', body text default null,
  headers jsonb default null, timeout_seconds integer default 30) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(url, '') = '' or method is null or timeout_seconds is null
     or timeout_seconds < 1 or jsonb_typeof(coalesce(headers, '{}')) <> 'object' then
    raise exception 'df.http: needs a url, a method, a timeout of a second or more, and an object of headers'
      using errcode = 'PD001';
  end if;
  return '[{"df":"http","url":' || to_json(url) || df_graph.pair('method', upper(method))
    || df_graph.pair('body', body) || df_graph.pair('headers', headers)
    || df_graph.pair('timeout', timeout_seconds) || '}]';
end
$$;
-- 21_native_nodes.sql
-- The df language, second part: nodes beyond pg_durable's.

-- The body while a condition holds (looked at before each round) and until another one
-- does (looked at after it). `every` is the pace from start to start; without it there
-- is none.
create function df.repeat(body text, while_condition text default null,
  until_condition text default null, every interval default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if every <= interval '0' then
    raise exception 'df.repeat: % is not a pace', every using errcode = 'PD001';
  end if;
  return df_graph.composite('repeat',
    array_remove(array[body, while_condition, until_condition], null),
    df_graph.pair('while', (while_condition is not null))
    || df_graph.pair('until', (until_condition is not null))
    || df_graph.pair('every', extract(epoch from every)));
end
$$;

-- End this round of the nearest loop.
create function df.continue() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '[{"df":"continue"}]' $$;

-- Run a query, make its result the run's, and end the run. The other branches of a
-- join around it run to their end first; a race around it is decided by it.
create function df.return(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"return","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- A durable timer; the query gives an interval.
create function df.sleep_for(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"sleep_for","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- A durable timer; the query gives a timestamptz.
create function df.sleep_until(query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return '[{"df":"sleep_until","q":' || df_graph.query_text(query) || '}]';
end
$$;

-- Return a query as a JSON string; an unnamed df.sql() node is taken for its text.
create function df_graph.query_text(p_query text) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_node jsonb;
begin
  if p_query is null then
    raise exception 'a query is missing: the argument is null' using errcode = 'PD001';
  end if;
  if left(p_query, 7) not in ('[{"df":', '[{"as":') then
    return to_json(p_query)::text;
  end if;
  v_node := p_query::jsonb;
  if jsonb_array_length(v_node) <> 1 or v_node -> 0 ->> 'df' <> 'sql' then
    raise exception 'a query is needed here, not a graph' using errcode = 'PD001';
  end if;
  return (v_node -> 0 -> 'q')::text;
end
$$;

-- The node again while it fails with one of `retry_on`, up to `max_attempts` times in
-- all, after backoff * factor ^ (failures - 1), at most `max_backoff`, jittered between
-- a half and the whole. `retry_on` holds SQLSTATEs, their classes, HTTP statuses, and
-- 'transport'; null is the list that df_engine.is_transient gives.
create function df.retry(node text, max_attempts integer,
  backoff interval default '1 second', factor numeric default 2,
  max_backoff interval default null, jitter boolean default true,
  retry_on text[] default null) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if max_attempts is null or max_attempts < 1 or backoff is null or backoff < interval '0'
     or factor is null or factor < 1 or max_backoff < interval '0' or jitter is null then
    raise exception
      'df.retry: needs an attempt or more, a backoff not below 0, a factor not below 1'
      using errcode = 'PD001';
  end if;
  return df_graph.composite('retry', array[node],
    df_graph.pair('max', max_attempts)
    || df_graph.pair('backoff', extract(epoch from backoff))
    || df_graph.pair('factor', factor)
    || df_graph.pair('cap', extract(epoch from max_backoff))
    || df_graph.pair('jitter', jitter)
    || df_graph.pair('on', retry_on));
end
$$;
-- 30_lexer.sql
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
-- 31_prepare.sql
-- Preparing a graph: validated, flattened and kept, once per text.

-- The shape of a graph as parallel arrays, indexed by node number.
create type df_engine.shape as (
  size integer,
  op text[], name text[], config jsonb[],
  parent integer[], "position" integer[], arity integer[], last_node integer[],
  frame integer[], scopes text[], guarded boolean[], keep boolean[],
  entry integer[], next_node integer[], next_state text[]
);

-- Return the number of children that a node must have, as {least, most}; null when
-- there is no such node.
create function df_engine.arity(p_op text, p_config jsonb) returns integer[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_op in ('seq', 'join', 'race') then array[1, 1000000]
    when p_op = 'if' then array[2, 3]
    when p_op = 'if_rows' then array[1, 2]
    when p_op = 'loop' then array[1, 2]
    when p_op = 'repeat' then array_fill(1 + coalesce((p_config ->> 'while')::boolean, false)::integer
      + coalesce((p_config ->> 'until')::boolean, false)::integer, array[2])
    when p_op = 'retry' then array[1, 1]
    when p_op in ('sql', 'return', 'sleep_for', 'sleep_until', 'sleep', 'signal', 'schedule',
                  'http', 'break', 'continue') then array[0, 0]
  end
$$;

-- Read the nodes of a graph and the tree that their numbers of children describe.
create function df_engine.read_tree(p_envelope text) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape;
  v_item jsonb;
  v_open integer[] := '{}';   -- ancestors whose children are not complete
  v_depth integer := 0;
  v_left integer[] := '{}';   -- children still to come, by node
  v_node integer := 0;
  v_arity integer[];
begin
  v.op := '{}'; v.name := '{}'; v.config := '{}'; v.parent := '{}'; v."position" := '{}';
  v.arity := '{}'; v.last_node := '{}';
  for v_item in select e from jsonb_array_elements(p_envelope::jsonb) e loop
    v_node := v_node + 1;
    if v_node > 1 and v_depth = 0 or v_node > 1000000 then
      raise exception 'the graph has more than 1,000,000 nodes, or nodes that belong to none'
        using errcode = 'PD001';
    end if;
    v.op[v_node] := v_item ->> 'df';
    v.name[v_node] := v_item ->> 'as';
    v.arity[v_node] := coalesce((v_item ->> 'n')::integer, 0);
    v.config[v_node] := v_item - array['df', 'as', 'n'];
    v_arity := df_engine.arity(v.op[v_node], v_item);
    if v_arity is null or v.arity[v_node] not between v_arity[1] and v_arity[2] then
      raise exception 'node % of the graph is not valid: % with % children', v_node,
        coalesce(v.op[v_node], 'null'), v.arity[v_node] using errcode = 'PD001';
    end if;
    v.parent[v_node] := case when v_depth > 0 then v_open[v_depth] else 0 end;
    v."position"[v_node] := case when v_depth > 0
      then v.arity[v_open[v_depth]] - v_left[v_open[v_depth]] + 1 else 1 end;
    v.last_node[v_node] := v_node;
    v_left[v_node] := v.arity[v_node];
    if v_depth > 0 then
      v_left[v_open[v_depth]] := v_left[v_open[v_depth]] - 1;
    end if;
    v_depth := v_depth + 1;
    v_open[v_depth] := v_node;
    while v_depth > 0 and v_left[v_open[v_depth]] = 0 loop
      v.last_node[v_open[v_depth]] := v_node;
      v_depth := v_depth - 1;
    end loop;
  end loop;
  if v_node = 0 or v_depth > 0 then
    raise exception 'the graph ends before its nodes do' using errcode = 'PD001';
  end if;
  v.size := v_node;
  return v;
exception when invalid_text_representation then
  raise exception 'the graph is not one: %', sqlerrm using errcode = 'PD001';
end
$$;

-- Add what a node inherits: its frame, the frames that it sees, whether a race can end
-- it, and whether anybody may read its result.
create function df_engine.add_scopes(p df_engine.shape) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape := p;
  v_parent integer;
  v_op text;
begin
  v.frame := '{}'; v.scopes := '{}'; v.guarded := '{}'; v.keep := '{}';
  for n in 1 .. v.size loop
    v_parent := v.parent[n];
    if v_parent = 0 then
      v.frame[n] := 1;
      v.scopes[n] := '{1}';
      v.guarded[n] := false;
      v.keep[n] := true;
      continue;
    end if;
    v_op := v.op[v_parent];
    v.guarded[n] := v.guarded[v_parent] or v_op = 'race';
    if v_op in ('join', 'race') then
      v.frame[n] := n;
      v.scopes[n] := '{' || n || ',' || substr(v.scopes[v_parent], 2);
    else
      v.frame[n] := v.frame[v_parent];
      v.scopes[n] := v.scopes[v_parent];
    end if;
    v.keep[n] := v.name[n] is not null
      or v.op[n] in ('return', 'sleep_for', 'sleep_until') or case
      when v_op = 'seq' then v."position"[n] = v.arity[v_parent] and v.keep[v_parent]
      when v_op = 'if' then v."position"[n] = 1 or v.keep[v_parent]
      when v_op in ('loop', 'repeat') then v."position"[n] > 1 or v.keep[v_parent]
      else v.keep[v_parent] end;
  end loop;
  return v;
end
$$;

-- Add where each node leads: sequences and retries are passed through on the way in,
-- unnamed sequences, ifs and retries on the way out, so that the step after a step is
-- known without a walk.
create function df_engine.add_successors(p df_engine.shape) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape := p;
  v_parent integer;
  v_next integer;
begin
  v.entry := array_fill(0, array[v.size]);
  v.next_node := '{}'; v.next_state := '{}';
  for n in reverse v.size .. 1 loop
    v.entry[n] := case when v.op[n] in ('seq', 'retry') then v.entry[n + 1] else n end;
  end loop;
  for n in 1 .. v.size loop
    v_parent := v.parent[n];
    v.next_node[n] := v_parent;
    v.next_state[n] := 'p';
    if v_parent = 0 then
      continue;
    elsif v.op[v_parent] = 'seq' and v."position"[n] < v.arity[v_parent] then
      v_next := v.entry[v.last_node[n] + 1];
      v.next_node[n] := v_next;
      v.next_state[n] := df_engine.entry_state(v.op[v_next]);
    elsif v.name[v_parent] is null and (v.op[v_parent] in ('seq', 'retry', 'if_rows')
          or v.op[v_parent] = 'if' and v."position"[n] > 1) then
      v.next_node[n] := v.next_node[v_parent];
      v.next_state[n] := v.next_state[v_parent];
    end if;
  end loop;
  return v;
end
$$;

-- Return the state of a task that is to begin with such a node.
create function df_engine.entry_state(p_op text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_op in ('sql', 'return', 'sleep_for', 'sleep_until') then 'x' else 'e' end
$$;
-- 32_store.sql
-- Preparing a graph, second part: keeping it.

-- Return the references of a node's texts with the nodes that bind their names: refs
-- get `b`, an array of node numbers.
create function df_engine.bind(p_refs jsonb, p_binders jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(case when r ->> 'n' <> 'input'
    then r || jsonb_build_object('b', p_binders -> (r ->> 'n')) else r end order by i)
  from jsonb_array_elements(p_refs) with ordinality a (r, i)
$$;

-- Return {p: parts, r: references} of a raw text, null for null.
create function df_engine.template(p_text text, p_names text[], p_binders jsonb)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('p', parts, 'r', df_engine.bind(refs, p_binders))
  from df_engine.split_raw(p_text, p_names) where p_text is not null
$$;

-- Return the configuration of a node that is not a statement, its texts made templates.
create function df_engine.node_config(p_op text, p_config jsonb, p_names text[],
  p_binders jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_op = 'http' then
    return p_config || jsonb_build_object(
      'url', df_engine.template(p_config ->> 'url', p_names, p_binders),
      'body', df_engine.template(p_config ->> 'body', p_names, p_binders),
      'headers', (select coalesce(jsonb_object_agg(key,
          df_engine.template(value, p_names, p_binders)), '{}')
        from jsonb_each_text(coalesce(p_config -> 'headers', '{}'))),
      'shown', p_config);
  elsif p_op = 'if_rows' then
    if p_binders -> (p_config ->> 'of') is null then
      raise exception 'df.if_rows: no node binds the name %', p_config ->> 'of'
        using errcode = 'PD001';
    end if;
    return p_config || jsonb_build_object('b', p_binders -> (p_config ->> 'of'));
  end if;
  return p_config - 'q';
end
$$;

-- Return whether a statement surely returns no rows; anything else is tried as a query
-- first. Only a guess that spares time: the executor finds out.
create function df_engine.surely_no_rows(p_sql text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_sql ~* '^\s*(insert|update|delete|merge|create|alter|drop|truncate|set|reset|do|copy'
      '|grant|revoke|comment|lock|analyze|refresh|notify|listen)\M'
     and p_sql !~* '\mreturning\M'
$$;

-- Insert the instructions of a graph.
create function df_engine.insert_nodes(p_graph integer, v df_engine.shape, p_names text[],
  p_binders jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df_engine.nodes (graph, node, op, parent, position, last_node, children,
    name, keep, frame, scopes, guarded, first_node, next_node, next_state, rebinds, parts, refs, rows,
    config)
  select p_graph, n.node, n.op, n.parent, n.position, n.last_node,
    coalesce(c.children, '{}'), n.name, n.keep, n.frame, n.scopes::integer[], n.guarded,
    n.first_node, n.next_node, n.next_state::"char",
    coalesce((select array_agg(b::integer) from jsonb_array_elements_text(p_binders -> n.name) b
      where b::integer <> n.node), '{}'),
    s.parts, nullif(df_engine.bind(s.refs, p_binders), '[]'),
    not df_engine.surely_no_rows(n.config ->> 'q'),
    df_engine.node_config(n.op, n.config, p_names, p_binders)
  from (
    select row_number() over (order by i) :: integer as node, u.*
    from unnest(v.op, v.parent, v."position", v.last_node, v.name, v.keep, v.frame, v.scopes,
      v.guarded, v.entry, v.next_node, v.next_state, v.config) with ordinality
      u (op, parent, position, last_node, name, keep, frame, scopes, guarded, first_node,
         next_node, next_state, config, i)) n
  left join (
    select parent, array_agg(i::integer order by i) as children
    from unnest(v.parent) with ordinality u (parent, i) group by parent) c on c.parent = n.node
  left join lateral df_engine.split_sql(n.config ->> 'q', p_names) s
    on n.config ->> 'q' is not null
$$;

-- Return the names of the input that a graph reads.
create function df_engine.inputs_of(p_graph integer) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct r ->> 'c'), '{}')
  from df_engine.nodes n
  cross join lateral (
    select r from jsonb_array_elements(n.refs) r
    union all
    select r from jsonb_path_query(coalesce(n.config, '{}'),
      'strict $.**.r[*]', silent => true) r where n.op = 'http') x
  where n.graph = p_graph and r ->> 'n' = 'input' and r ->> 'c' is not null
$$;

-- Return the id of a graph, keeping it first when it is new. Two sessions that bring the
-- same graph at once: the second waits on the digest and uses the first one's.
create function df_engine.prepare(p_graph text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_envelope text := '[' || df_graph.elements(p_graph) || ']';
  v_digest bytea := sha256(convert_to(v_envelope, 'UTF8'));
  v_graph integer;
  v df_engine.shape;
  v_binders jsonb;
begin
  select id into v_graph from df_engine.graphs where digest = v_digest;
  if found then
    return v_graph;
  end if;
  v := df_engine.add_successors(df_engine.add_scopes(df_engine.read_tree(v_envelope)));
  insert into df_engine.graphs (digest, envelope, inputs, shared_names, has_http,
    start_node, start_state)
  values (v_digest, v_envelope, '{}', false, 'http' = any (v.op), v.entry[1],
    df_engine.entry_state(v.op[v.entry[1]])::"char")
  on conflict (digest) do nothing returning id into v_graph;
  if v_graph is null then
    select id into strict v_graph from df_engine.graphs where digest = v_digest;
    return v_graph;
  end if;
  select coalesce(jsonb_object_agg(name, nodes), '{}') into v_binders
  from (select name, jsonb_agg(i order by i) as nodes
        from unnest(v.name) with ordinality u (name, i) where name is not null
        group by name) b;
  perform df_engine.insert_nodes(v_graph, v,
    array(select jsonb_object_keys(v_binders)) || 'input'::text, v_binders);
  update df_engine.graphs set inputs = df_engine.inputs_of(v_graph),
    shared_names = exists (select from jsonb_each(v_binders) where jsonb_array_length(value) > 1)
  where id = v_graph;
  return v_graph;
end
$$;
-- 40_render.sql
-- Rendering: references become values. A value reaches SQL text only as a literal.

-- Return a JSON value, given by its type and its text, as SQL: numbers and booleans bare
-- (a negative number in parentheses, so that `10-$n` stays a subtraction), everything
-- else quoted.
create function df_engine.sql_literal(p_type text, p_text text) returns text
language plpgsql immutable
as $$
begin
  return case p_type
    when 'number' then case when left(p_text, 1) = '-' then '(' || p_text || ')' else p_text end
    when 'boolean' then p_text
    when 'null' then 'NULL'
    else quote_literal(p_text) end;
end
$$;

-- Return a JSON value as plain text, for URLs, bodies and headers.
create function df_engine.raw_text(p_value json) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when json_typeof(p_value) in ('object', 'array') then p_value::text
    else coalesce(p_value #>> '{}', '') end
$$;

-- Return the rows of a result as a derived table, as pg_durable does: a list of VALUES
-- with an alias.
create function df_engine.row_set(p_name text, p_rows json) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  with columns as (
    select key, i from json_object_keys(p_rows -> 0) with ordinality k (key, i)),
  lines as (
    select '(' || string_agg(case json_typeof(r -> key)
        when 'string' then quote_literal(r ->> key) || '::text'
        when 'object' then quote_literal(r ->> key) || '::text'
        when 'array' then quote_literal(r ->> key) || '::text'
        else coalesce(df_engine.sql_literal(json_typeof(r -> key), r ->> key), 'NULL') end,
        ', ' order by c.i) || ')' as line, n
    from json_array_elements(p_rows) with ordinality a (r, n), columns c group by n)
  select case when json_array_length(p_rows) = 0
    then '(select null where false) as ' || quote_ident(p_name)
    else '(values ' || (select string_agg(line, ', ' order by n) from lines) || ') as '
      || quote_ident(p_name)
      || '(' || (select string_agg(quote_ident(key), ', ' order by i) from columns) || ')' end
$$;

-- Return the result that a name stands for: of its binders, the one bound in the
-- innermost frame that the reader sees. A name without a value is an error, or null
-- where the reference allows it.
create function df_engine.bound_result(p_instance bigint, p_ref jsonb, p_scopes integer[]) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_result text;
begin
  select r.result into v_result from df_engine.node_runs r
  where r.instance = p_instance
    and r.node = any (array(select b::integer from jsonb_array_elements_text(p_ref -> 'b') b))
    and r.scope = any (p_scopes)
  order by r.scope desc limit 1;
  if not found and p_ref ? 'q' then
    return 'null';
  elsif not found then
    raise exception '$% has no value yet', p_ref ->> 'n' using errcode = 'PD004',
      hint = 'The node that binds it has not run on the way here.';
  end if;
  return v_result;
end
$$;

-- Return the value of `$name`, `$name.column` or `$name.*` in a result.
create function df_engine.pick(p_ref jsonb, p_result json) returns json
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_shown text := '$' || (p_ref ->> 'n') || coalesce('.' || (p_ref ->> 'c'), '');
  v_rows json := case when json_typeof(p_result) = 'object' then p_result -> 'rows' end;
  v_row json := p_result;
  v_value json;
begin
  if json_typeof(v_rows) = 'array' then
    v_row := v_rows -> 0;
    if v_row is null and p_ref ? 'q' then
      return 'null';
    elsif v_row is null then
      raise exception '% has no rows', v_shown using errcode = 'PD004';
    end if;
    v_value := case when p_ref ? 'c' then v_row -> (p_ref ->> 'c')
      else (select value from json_each(v_row) limit 1) end;
  elsif p_ref ? 'c' then
    v_value := case when json_typeof(v_row) = 'object' then v_row -> (p_ref ->> 'c') end;
  else
    v_value := v_row;
  end if;
  if v_value is null then
    raise exception '% does not exist', v_shown using errcode = 'PD004', detail =
      format('Its columns are: %s', case when json_typeof(v_row) = 'object'
        then (select string_agg(k, ', ') from json_object_keys(v_row) k) end);
  elsif json_typeof(v_value) = 'null' and not p_ref ? 'q' then
    raise exception '% is NULL', v_shown using errcode = 'PD004',
      hint = format('%s? gives NULL.', v_shown);
  end if;
  return v_value;
end
$$;

-- Return the text that stands for a variable: inside a string it is escaped; one that
-- the run does not have stays as it is.
create function df_engine.variable(p_ref jsonb, p_instance bigint) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select case p_ref ->> 'in'
    when 'string' then replace(value, '''', '''''')
    when 'escape' then replace(replace(value, '\', '\\'), '''', '''''')
    else value end
  from df_engine.instances i, lateral (select coalesce(case p_ref ->> 'v'
    when 'sys_instance_id' then i.run_id
    when 'sys_label' then coalesce(i.label, '')
    else i.vars ->> (p_ref ->> 'v') end, '{' || (p_ref ->> 'v') || '}')) v (value)
  where i.id = p_instance
$$;

-- Return the text of a reference to a node's result.
create function df_engine.name_text(p_ref jsonb, p_instance bigint, p_scopes integer[],
  p_sql boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_value json := df_engine.bound_result(p_instance, p_ref, p_scopes);
begin
  if p_ref ? 'star' then
    if json_typeof(v_value -> 'rows') is distinct from 'array' then
      raise exception '$%.* is not a row set', p_ref ->> 'n' using errcode = 'PD004';
    end if;
    return case when p_sql then df_engine.row_set(p_ref ->> 'n', v_value -> 'rows')
      else (v_value -> 'rows')::text end;
  end if;
  v_value := df_engine.pick(p_ref, v_value);
  return case when p_sql then df_engine.sql_literal(json_typeof(v_value), v_value #>> '{}')
    else df_engine.raw_text(v_value) end;
end
$$;

-- Return a value of the run's input as text: sql_literal() or raw_text(), spelt out here
-- because most references of compiled steps are this. It has no SET clause, so that it is
-- inlined into render(), which pins the path.
create function df_engine.input_text(p_value jsonb, p_sql boolean) returns text
language sql immutable
as $$
  select case
    when not p_sql then coalesce(p_value #>> '{}', '')
    when jsonb_typeof(p_value) = 'number' then
      case when left(p_value::text, 1) = '-' then '(' || p_value::text || ')'
        else p_value::text end
    when jsonb_typeof(p_value) = 'boolean' then p_value::text
    else coalesce(quote_literal(p_value #>> '{}'), 'NULL') end
$$;

-- Return parts with the references between them replaced. In SQL a blank keeps a value
-- from growing together with what stands beside it.
create function df_engine.render(p_parts text[], p_refs jsonb, p_instance bigint,
  p_input jsonb, p_scopes integer[], p_sql boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := p_parts[1];
  v_ref jsonb;
  v_given jsonb;
  v_value text;
begin
  for i in 2 .. cardinality(p_parts) loop
    v_ref := p_refs -> (i - 2);
    if v_ref ->> 'n' = 'input' then
      v_given := case when v_ref ? 'c' then p_input -> (v_ref ->> 'c') else p_input end;
      v_value := df_engine.input_text(v_given, p_sql);
    elsif v_ref ? 'v' then
      v_text := v_text || df_engine.variable(v_ref, p_instance) || p_parts[i];
      continue;
    else
      v_value := df_engine.name_text(v_ref, p_instance, p_scopes, p_sql);
    end if;
    v_text := v_text || case when p_sql and v_text ~ '[\w''"$]$' then ' ' else '' end
      || v_value || case when p_sql and p_parts[i] ~ '^[\w''"$]' then ' ' else '' end
      || p_parts[i];
  end loop;
  return v_text;
end
$$;
-- 45_schedule.sql
-- Five-field cron expressions: minute, hour, day of month, month, day of week (0 and 7
-- are Sunday), in UTC. As in Unix cron, a day fits when either day field does, if both
-- are restricted.

-- Return the numbers that one field stands for.
create function df_graph.cron_field(p_field text, p_least integer, p_most integer,
  p_names text[]) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_part text;
  v_match text[];
  v_all integer[] := '{}';
  v_from integer;
  v_to integer;
begin
  foreach v_part in array string_to_array(lower(p_field), ',') loop
    for i in 1 .. coalesce(cardinality(p_names), 0) loop
      v_part := regexp_replace(v_part, '\m' || p_names[i] || '\M', (i - 1 + p_least)::text, 'g');
    end loop;
    v_match := regexp_match(v_part, '^(?:(\*)|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$');
    v_from := coalesce(v_match[2]::integer, p_least);
    v_to := coalesce(v_match[3]::integer,
      case when v_match[1] is not null or v_match[4] is not null then p_most else v_from end);
    if v_match is null or v_from < p_least or v_to > p_most or v_from > v_to
       or v_match[4]::integer = 0 then
      return null;
    end if;
    v_all := v_all || array(select generate_series(v_from, v_to, coalesce(v_match[4]::integer, 1)));
  end loop;
  return v_all;
end
$$;

-- Return the five fields of a cron expression as JSON arrays, or raise.
create function df_graph.cron_fields(p_cron text) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_fields text[] := regexp_split_to_array(btrim(coalesce(p_cron, '')), '\s+');
  v_all jsonb;
begin
  if cardinality(v_fields) = 5 then
    v_all := jsonb_build_array(
      df_graph.cron_field(v_fields[1], 0, 59, null),
      df_graph.cron_field(v_fields[2], 0, 23, null),
      df_graph.cron_field(v_fields[3], 1, 31, null),
      df_graph.cron_field(v_fields[4], 1, 12,
        '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'),
      df_graph.cron_field(v_fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'),
      v_fields[3] <> '*' and v_fields[5] <> '*');
  end if;
  if v_all is null or v_all @> '[null]' then
    raise exception '% is not a cron expression of five fields', coalesce(quote_literal(p_cron), 'null')
      using errcode = 'PD001';
  end if;
  return v_all;
end
$$;

-- Return the first time after `p_after` that fits. Days are looked at one by one, for
-- thirty years, which holds every date that exists.
create function df_engine.next_time(p_cron text, p_after timestamptz) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_fields jsonb := df_graph.cron_fields(p_cron);
  v_day date := p_after::date;
  v_time timestamptz;
  v_dom boolean;
  v_dow boolean;
begin
  for i in 0 .. 11000 loop
    v_dom := v_fields -> 2 @> to_jsonb(extract(day from v_day)::integer);
    v_dow := v_fields -> 4 @> to_jsonb(extract(dow from v_day)::integer)
      or extract(dow from v_day) = 0 and v_fields -> 4 @> '7';
    if v_fields -> 3 @> to_jsonb(extract(month from v_day)::integer)
       and (v_dom and v_dow or (v_fields ->> 5)::boolean and (v_dom or v_dow)) then
      select min(t) into v_time
      from jsonb_array_elements_text(v_fields -> 1) h, jsonb_array_elements_text(v_fields -> 0) m,
        lateral (select v_day + make_interval(hours => h::integer, mins => m::integer)) x (t)
      where t > p_after;
      if v_time is not null then
        return v_time;
      end if;
    end if;
    v_day := v_day + 1;
  end loop;
  raise exception 'no time fits the cron expression %', p_cron using errcode = 'PD003';
end
$$;
-- 50_claim.sql
-- Claiming. A claim is a row lock on a task, held by the transaction that does the work;
-- a session that dies lets go of it. Lock order: the task is the first lock of its
-- transaction, and taken by SKIP LOCKED only. (In a batch, 58_batch.sql, it may be the
-- first lock of a later step; SKIP LOCKED waits for nobody.)
--
-- A task is locked by one statement and joined with its run and node by the next: a task
-- that moved on between the snapshot and its lock would be joined with its old node.
--
-- The functions of the hot path set enable_seqscan off: their plans are kept for the
-- session's life, and one that was made while a table was empty would scan it for ever.

-- Return the next step, its task locked; `task` is null when there is none. The session
-- goes on with the task `p_same` for ten steps; with the tenth the task queues again
-- behind the others. Tasks whose run has ended, or whose race is over, are removed on
-- the way.
create function df_engine.claim(p_same bigint, p_turn integer) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_task df_engine.tasks;
  v_step df_engine.step;
begin
  if p_turn < 10 then
    select * into v_task from df_engine.tasks t
    where t.id = p_same and t.ready_at is not null for update skip locked;
  end if;
  loop
    if v_task.id is null then
      select * into v_task from df_engine.tasks t
      where t.ready_at is not null order by t.ready_at limit 1 for update skip locked;
    end if;
    if v_task.id is null then
      v_task := df_engine.take_due();
      if v_task.id is null then
        return null;
      end if;
    end if;
    v_step := df_engine.read_step(v_task);
    if v_step.active and (v_step.parent is null
       or df_engine.is_awaited(v_step.parent, v_step.epoch)) then
      return v_step;
    end if;
    perform df_engine.drop_task(v_task.id);
    v_task := null;
  end loop;
end
$$;

-- Return the next step for a batch, after the place `p_after` in the queue; `task` is
-- null when there is none. Tasks that moved since the transaction began are left out:
-- now() must not go back from one step of a run to the next, and a step of the batch's
-- own runs would share it.
create function df_engine.claim_more(p_after timestamptz) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_task df_engine.tasks;
begin
  select * into v_task from df_engine.tasks t
  where t.ready_at > p_after and t.moved_at <= now()
  order by t.ready_at limit 1 for update skip locked;
  if v_task.id is null then
    return null;
  end if;
  return df_engine.read_step(v_task);
end
$$;

-- Return the step that a locked task is about to do. A statement that cannot be rendered
-- comes with the reason. Plans with the settings of claim() and claim_more(), which alone
-- call it.
create function df_engine.read_step(p_task df_engine.tasks) returns df_engine.step
language plpgsql
as $$
declare
  v_step df_engine.step;
begin
  select p_task.id, p_task.instance, i.graph, p_task.node, p_task.state, n.op, p_task.frame,
    p_task.parent, p_task.epoch, n.guarded, i.executor, i.search_path, i.time_zone,
    case when n.refs is null then n.parts[1] end, n.refs is not null, n.keep,
    n.rows, n.next_node, n.next_state, case when n.name is not null then n.frame end,
    n.rebinds, p_task.retries is not null, p_task.turns + 1, clock_timestamp(), null,
    i.status = 'active', p_task.ready_at, n.short_runs,
    n.parts, n.refs, n.scopes, case when n.refs is not null then i.input end
  into v_step
  from df_engine.instances i
  left join df_engine.nodes n on n.graph = i.graph and n.node = p_task.node
  where i.id = p_task.instance;
  if v_step.rendered and v_step.state = 'x' then
    begin
      v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
        v_step.scopes, true);
    exception when others then
      v_step.error := sqlerrm;
    end;
  end if;
  return v_step;
end
$$;

-- Make the longest overdue timer's task a ready one, locked, and return it; null when
-- none is due.
create function df_engine.take_due() returns df_engine.tasks
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_task df_engine.tasks;
begin
  select * into v_task from df_engine.tasks t
  where t.wake_at <= df.now() order by t.wake_at limit 1 for update skip locked;
  if v_task.id is not null then
    v_task.wake_at := null;
    v_task.ready_at := clock_timestamp();
    perform df_engine.replace_task(v_task);
  end if;
  return v_task;
end
$$;

-- Return whether a branch's parent still waits for it: it does not when a race was
-- decided, and then the parent's number of forks may be another by now.
create function df_engine.is_awaited(p_parent bigint, p_epoch integer) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.tasks t
    where t.id = p_parent and t.state = 'j' and t.forks = p_epoch)
$$;

-- Remove a task and its request, if it has one.
create function df_engine.drop_task(p_task bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  delete from df_engine.requests where task = p_task;
  delete from df_engine.tasks where id = p_task;
$$;
-- 51_record.sql
-- Recording what nodes did. node_runs is the last of the locks.

-- Record that a node completed. A named result becomes readable in `p_scope`; an earlier
-- one of the same name there is no longer. (Two statements: most nodes run once. Nobody
-- else writes the row while the task is held, so ON CONFLICT is not needed, whose
-- speculative insertion costs a WAL record of its own.)
create function df_engine.record_success(p_step df_engine.step, p_result text,
  p_row_count bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  insert into df_engine.node_runs (instance, node, status, scope, row_count, started_at,
    finished_at, result, rendered_sql)
  select p_step.instance, p_step.node, 'completed', p_step.scope, p_row_count,
    p_step.claimed_at, clock_timestamp(), p_result,
    case when p_step.rendered then p_step.sql end
  where not exists (select from df_engine.node_runs r
    where r.instance = p_step.instance and r.node = p_step.node);
  if not found then
    perform df_engine.record_again(p_step, p_result, p_row_count);
  end if;
  if p_step.rebinds <> '{}' then
    perform df_engine.unbind(p_step.instance, p_step.rebinds, p_step.scope);
  end if;
  return true;
end
$$;

-- Record that a node completed which has a row already: in another round of a loop, or
-- in another attempt.
create function df_engine.record_again(p_step df_engine.step, p_result text,
  p_row_count bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.node_runs r set status = 'completed', scope = p_step.scope,
    row_count = p_row_count, finished_at = clock_timestamp(), wake_at = null,
    started_at = case when r.status = 'running' or p_step.again then r.started_at
      else p_step.claimed_at end,
    result = p_result, rendered_sql = case when p_step.rendered then p_step.sql end,
    executions = r.executions + case when r.status = 'running' or p_step.again then 0 else 1 end,
    attempts = case when p_step.again then r.attempts + 1 else 1 end,
    error = case when p_step.again then r.error end,
    sqlstate = case when p_step.again then r.sqlstate end,
    detail = case when p_step.again then r.detail end,
    context = case when p_step.again then r.context end
  where r.instance = p_step.instance and r.node = p_step.node
$$;

-- Take the names of some nodes away from a frame.
create function df_engine.unbind(p_instance bigint, p_nodes integer[], p_scope integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.node_runs set scope = null
  where instance = p_instance and node = any (p_nodes) and scope = p_scope
$$;

-- Record that a node failed; its last error stays visible when a retry succeeds.
create function df_engine.record_failure(p_step df_engine.step, p_failure df_engine.failure)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.node_runs as r (instance, node, status, started_at, finished_at,
    rendered_sql, error, sqlstate, detail, context)
  values (p_step.instance, p_step.node, 'failed', p_step.claimed_at, clock_timestamp(),
    case when p_step.rendered and p_step.error is null then p_step.sql end,
    p_failure.message, p_failure.sqlstate, p_failure.detail, p_failure.context)
  on conflict (instance, node) do update set status = 'failed', scope = null,
    started_at = case when r.status = 'running' or p_step.again then r.started_at
      else excluded.started_at end,
    finished_at = excluded.finished_at, wake_at = null, result = null, row_count = null,
    rendered_sql = excluded.rendered_sql, error = excluded.error,
    sqlstate = excluded.sqlstate, detail = excluded.detail, context = excluded.context,
    executions = r.executions + case when r.status = 'running' or p_step.again then 0 else 1 end,
    attempts = case when p_step.again then r.attempts + 1 else 1 end
$$;

-- Record that a node waits. `p_again` says that it does so as another attempt.
create function df_engine.record_wait(p_instance bigint, p_node integer,
  p_wake timestamptz, p_again boolean) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.node_runs as r (instance, node, status, started_at, wake_at)
  values (p_instance, p_node, 'running', clock_timestamp(), p_wake)
  on conflict (instance, node) do update set status = 'running', scope = null,
    wake_at = excluded.wake_at, result = null, finished_at = null, row_count = null,
    started_at = case when p_again then r.started_at else excluded.started_at end,
    executions = r.executions + case when p_again then 0 else 1 end,
    attempts = case when p_again then r.attempts + 1 else 1 end
$$;

-- Record the end of a node that has no statement: a structural node with a name, a
-- timer, a wait. Returns the number of its executions.
create function df_engine.record_end(p_instance bigint, p_node df_engine.nodes,
  p_result text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_result text := case when p_node.keep then p_result end;
  v_scope integer := case when p_node.name is not null then p_node.frame end;
begin
  insert into df_engine.node_runs as r (instance, node, status, scope, started_at,
    finished_at, result)
  values (p_instance, p_node.node, 'completed', v_scope, clock_timestamp(),
    clock_timestamp(), v_result)
  on conflict (instance, node) do update set status = 'completed', scope = excluded.scope,
    finished_at = excluded.finished_at, wake_at = null, result = excluded.result,
    started_at = case when r.status = 'running' then r.started_at else excluded.started_at end,
    executions = r.executions + case when r.status = 'running' then 0 else 1 end;
  if p_node.rebinds <> '{}' then
    perform df_engine.unbind(p_instance, p_node.rebinds, v_scope);
  end if;
end
$$;
-- 52_walk.sql
-- The walk: from the end of one leaf to the next one, inside the step's transaction.

-- Proceed until the branch is parked: at a leaf that needs a transaction of its own, at
-- a wait, or at its end. Lock order: the caller holds the branch's task; the instance is
-- locked by what needs it.
create function df_engine.walk(p_move df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p_move;
  v_node df_engine.nodes;
begin
  while v.how <> '.' loop
    if v.node = 0 then
      perform df_engine.finish(v);
      return;
    end if;
    select * into strict v_node from df_engine.nodes where graph = v.graph and node = v.node;
    if v.how = 'e' then
      v := df_engine.enter(v, v_node);
    elsif v.how = 'r' then
      v := df_engine.begin_round(v, v_node);
    elsif v.how = 'd' then
      perform df_engine.record_end(v.instance, v_node, v.result);
      v := df_engine.leave(v, v_node);
    elsif v.outcome = 'ok' then
      v := df_engine.child_done(v, v_node);
    else
      v := df_engine.child_broke(v, v_node);
    end if;
  end loop;
end
$$;

-- Return the move that follows the success of a node.
create function df_engine.leave(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  perform df_engine.leave_retries(p.task, p.graph, p_node.next_node);
  v.outcome := 'ok';
  v.child := p_node.node;
  v.node := p_node.next_node;
  v.how := case when p_node.next_state = 'p' then 'p' else 'e' end;
  return v;
end
$$;

-- Return the move that brings an outcome other than success up from a node.
create function df_engine.raise_up(p df_engine.move, p_node df_engine.nodes, p_outcome text,
  p_result text) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  v.outcome := p_outcome;
  v.result := p_result;
  v.child := p_node.node;
  v.node := p_node.parent;
  v.how := 'p';
  return v;
end
$$;

-- Return the move that enters a node.
create function df_engine.go_to(p df_engine.move, p_node integer) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  v.how := 'e';
  v.node := p_node;
  return v;
end
$$;

-- Enter a node: begin what it does.
create function df_engine.enter(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  case p_node.op
    when 'sql', 'return', 'sleep_for', 'sleep_until' then
      return df_engine.park(p, 'x', p_node.node, null);
    when 'seq', 'retry', 'if' then
      return df_engine.go_to(p, p_node.node + 1);
    when 'if_rows' then
      return df_engine.enter_if_rows(p, p_node);
    when 'loop', 'repeat' then
      return df_engine.begin_round(p, p_node);
    when 'join', 'race' then
      return df_engine.fork(p, p_node);
    when 'sleep' then
      return df_engine.sleep_to(p, p_node.node,
        df.now() + make_interval(secs => (p_node.config ->> 's')::double precision));
    when 'schedule' then
      return df_engine.sleep_to(p, p_node.node,
        df_engine.next_time(p_node.config ->> 'cron', df.now()));
    when 'signal' then
      return df_engine.await_signal(p, p_node);
    when 'http' then
      return df_engine.request(p, p_node);
    when 'break' then
      perform df_engine.record_end(p.instance, p_node, null);
      return df_engine.raise_up(p, p_node, 'break', (p_node.config -> 'v')::text);
    when 'continue' then
      perform df_engine.record_end(p.instance, p_node, null);
      return df_engine.raise_up(p, p_node, 'continue', 'null');
  end case;
end
$$;

-- Leave the branch where it is until a session claims it: now, at `p_wake`, or, if it
-- waits, when somebody else makes it ready.
create function df_engine.park(p df_engine.move, p_state "char", p_node integer,
  p_wake timestamptz, p_waits boolean default false, p_signal text default null)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
begin
  select * into strict v_task from df_engine.tasks where id = p.task;
  v_task.node := p_node;
  v_task.state := p_state;
  v_task.signal := p_signal;
  v_task.result := null;
  v_task.wake_at := p_wake;
  v_task.ready_at := case when p_wake is null and not p_waits
    then coalesce(v_task.ready_at, clock_timestamp()) end;
  v_task.started_at := coalesce(v_task.started_at, clock_timestamp());
  perform df_engine.replace_task(v_task);
  if p_wake is not null then
    perform df_engine.announce_timer(p_wake);
  end if;
  v.how := '.';
  return v;
end
$$;

-- Put a row in the place of a task, see df_engine.tasks.
create function df_engine.replace_task(p_task df_engine.tasks) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks := p_task;
begin
  v_task.moved_at := clock_timestamp();
  delete from df_engine.tasks where id = p_task.id;
  insert into df_engine.tasks select v_task.*;
end
$$;

-- Begin a timer at a node.
create function df_engine.sleep_to(p df_engine.move, p_node integer, p_wake timestamptz)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df_engine.record_wait(p.instance, p_node, p_wake, df_engine.is_retried(p.task));
  return df_engine.park(p, 'd', p_node, p_wake);
end
$$;

-- Return whether the branch is inside a retry that has seen a failure.
create function df_engine.is_retried(p_task bigint) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$ select retries is not null from df_engine.tasks where id = p_task $$;

-- Go on by whether a bound result has rows.
create function df_engine.enter_if_rows(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
  v_result json;
begin
  v_result := df_engine.bound_result(p.instance,
    jsonb_build_object('n', p_node.config ->> 'of', 'b', p_node.config -> 'b'), p_node.scopes);
  if (v_result ->> 'row_count')::bigint > 0 then
    return df_engine.go_to(p, p_node.children[1]);
  elsif cardinality(p_node.children) > 1 then
    return df_engine.go_to(p, p_node.children[2]);
  end if;
  v.how := 'd';
  v.result := 'null';
  return v;
end
$$;

-- Return whether a result counts as true: the first column of the first row, by
-- pg_durable's rules.
create function df_engine.is_true(p_result text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_value json := p_result::json;
  v_text text;
begin
  if json_typeof(v_value) = 'object' and json_typeof(v_value -> 'rows') = 'array' then
    select value into v_value from json_each(v_value -> 'rows' -> 0) limit 1;
  end if;
  v_text := lower(btrim(v_value #>> '{}', E' \t\r\n'));
  return case json_typeof(v_value)
    when 'boolean' then v_text = 'true'
    when 'number' then v_text::numeric <> 0
    when 'string' then case
      when v_text in ('', 'false', 'f', 'no') then false
      when v_text ~ '^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$' then v_text::numeric <> 0
      else true end
    when 'array' then json_array_length(v_value) > 0
    when 'object' then v_value::jsonb <> '{}'
    else false end;
end
$$;

-- A child of a node ended well: go on inside the node, or leave it.
create function df_engine.child_done(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  if p_node.op in ('join', 'race') then
    return df_engine.end_branch(p, p_node);
  elsif p_node.op in ('loop', 'repeat') then
    return df_engine.loop_child_done(p, p_node);
  elsif p_node.op = 'if' and p.child < p_node.children[2] then
    if df_engine.is_true(p.result) then
      return df_engine.go_to(p, p_node.children[2]);
    elsif cardinality(p_node.children) > 2 then
      return df_engine.go_to(p, p_node.children[3]);
    end if;
    v.result := 'null';
  end if;
  v.how := 'd';
  return v;
end
$$;

-- A child of a node ended with a failure, a break, a continue or a return: whoever
-- answers to that does, everybody else hands it up.
create function df_engine.child_broke(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
begin
  if p_node.op in ('join', 'race') then
    return df_engine.end_branch(p, p_node);
  elsif p_node.op = 'retry' then
    return df_engine.after_failure(p, p_node);
  elsif p_node.op in ('loop', 'repeat') and p.outcome = 'break' then
    v.how := 'd';
    v.outcome := 'ok';
    return v;
  elsif p_node.op in ('loop', 'repeat') and p.outcome = 'continue'
        and p.child >= p_node.children[2] then  -- in a condition
    return df_engine.next_round(p, p_node);
  elsif p_node.op in ('loop', 'repeat') and (p.outcome = 'continue'
        or p.outcome = 'failed' and p_node.config ? 'go_on'
        and p.child < coalesce(p_node.children[2], p_node.last_node + 1)) then
    v.child := p_node.children[1];
    v.outcome := 'ok';
    v.result := 'null';
    return df_engine.loop_child_done(v, p_node);
  end if;
  return df_engine.raise_up(p, p_node, p.outcome, p.result);
end
$$;
-- 53_loops_retries.sql
-- Loops and retries.

-- Begin a round of a loop: `while` is asked first, otherwise the body begins. Two rounds
-- in one transaction are not begun, so that a loop without a step cannot spin in it.
create function df_engine.begin_round(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
begin
  if v.rounds > 0 then
    return df_engine.park(p, 'r', p_node.node, null);
  end if;
  v.rounds := 1;
  if p_node.op = 'loop' or p_node.config ? 'every' then
    insert into df_engine.node_runs as r (instance, node, status, started_at, round_at)
    values (p.instance, p_node.node, 'running', clock_timestamp(), df.now())
    on conflict (instance, node) do update set status = 'running', scope = null,
      round_at = excluded.round_at, finished_at = null, wake_at = null,
      result = case when r.status = 'running' then r.result end;
  end if;
  if (p_node.config ->> 'while')::boolean then
    return df_engine.go_to(v, p_node.children[2]);
  end if;
  return df_engine.go_to(v, p_node.children[1]);
end
$$;

-- Begin the next round of a loop when its pace allows it.
create function df_engine.next_round(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_pace interval;
  v_due timestamptz;
begin
  if p_node.op = 'loop' then
    v_pace := (select loop_pace from df_engine.settings);
  elsif p_node.config ? 'every' then
    v_pace := make_interval(secs => (p_node.config ->> 'every')::double precision);
  end if;
  if v_pace > interval '0' then
    update df_engine.node_runs set wake_at = round_at + v_pace
    where instance = p.instance and node = p_node.node returning wake_at into v_due;
    if v_due > df.now() then
      return df_engine.park(p, 'r', p_node.node, v_due);
    end if;
  end if;
  v.how := 'r';
  v.node := p_node.node;
  return v;
end
$$;

-- The body or a condition of a loop ended well. A loop's result is its body's; it is
-- held on the loop's own row while a condition runs, if anybody may read it.
create function df_engine.loop_child_done(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
  v_count integer := cardinality(p_node.children);
  v_while boolean := coalesce((p_node.config ->> 'while')::boolean, false);
  v_condition integer := case when p_node.op = 'loop' or (p_node.config ->> 'until')::boolean
    then p_node.children[greatest(v_count, 2)] end;  -- asked after the body
begin
  if p.child < coalesce(p_node.children[2], p_node.last_node + 1) then  -- the body
    if p_node.keep then
      perform df_engine.hold_result(p.instance, p_node.node, p.result);
    end if;
    if v_condition is not null then
      return df_engine.go_to(p, v_condition);
    end if;
    return df_engine.next_round(p, p_node);
  elsif v_while and p.child < coalesce(p_node.children[3], p_node.last_node + 1) then
    if df_engine.is_true(p.result) then
      return df_engine.go_to(p, p_node.children[1]);
    end if;
  elsif df_engine.is_true(p.result) = (p_node.op = 'loop') then
    return df_engine.next_round(p, p_node);
  end if;
  v.how := 'd';
  v.result := case when p_node.keep
    then coalesce(df_engine.held_result(p.instance, p_node.node), 'null') end;
  return v;
end
$$;

-- Keep the body's result on the loop's row.
create function df_engine.hold_result(p_instance bigint, p_node integer, p_result text)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.node_runs (instance, node, status, started_at, result)
  values (p_instance, p_node, 'running', clock_timestamp(), p_result)
  on conflict (instance, node) do update set status = 'running', scope = null,
    finished_at = null, result = excluded.result
$$;

-- Return the body's last result. Null when no round ran: the row then is an earlier
-- execution's, and completed.
create function df_engine.held_result(p_instance bigint, p_node integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select result from df_engine.node_runs
  where instance = p_instance and node = p_node and status = 'running'
$$;

-- Return whether a failure is of those that pass by themselves: connection trouble,
-- serialization, deadlock, lock timeout, lack of resources, shutdown, and HTTP 408, 425,
-- 429 and 5xx.
create function df_engine.is_transient(p_sqlstate text, p_kind text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(left(p_sqlstate, 2) in ('08', '53') or left(p_sqlstate, 3) = '57P'
      or p_sqlstate in ('40001', '40P01', '55P03'), false)
    or coalesce(p_kind in ('transport', '408', '425', '429') or p_kind ~ '^5\d\d$', false)
$$;

-- Return whether a retry answers to a failure, {sqlstate, kind}.
create function df_engine.is_retryable(p_retry jsonb, p_error json) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_retry -> 'on' is null
    then df_engine.is_transient(p_error ->> 'sqlstate', p_error ->> 'kind')
    else coalesce(p_retry -> 'on' ?| array[p_error ->> 'sqlstate',
      left(p_error ->> 'sqlstate', 2), p_error ->> 'kind',
      left(p_error ->> 'kind', 1) || 'xx'], false) end
$$;

-- Return how long to wait after so many failures.
create function df_engine.backoff(p_retry jsonb, p_failures integer) returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => (least(
      (p_retry ->> 'backoff')::numeric
        * power((p_retry ->> 'factor')::numeric, least(p_failures - 1, 100)),
      coalesce((p_retry ->> 'cap')::numeric, 31536000))
    * case when (p_retry ->> 'jitter')::boolean then 0.5 + random()::numeric / 2
      else 1 end)::double precision)
$$;

-- A child of a retry did not end well: begin it again later, or hand the outcome up.
create function df_engine.after_failure(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_error json := case when p.outcome = 'failed' then p.result::json end;
  v_failures integer;
  v_due timestamptz;
begin
  select coalesce((retries ->> p_node.node::text)::integer, 0) + 1 into v_failures
  from df_engine.tasks where id = p.task;
  if p.outcome <> 'failed' or v_failures >= (p_node.config ->> 'max')::integer
     or not df_engine.is_retryable(p_node.config, v_error) then
    perform df_engine.forget_retries(p.task, p_node.node, p_node.node);
    return df_engine.raise_up(p, p_node, p.outcome, p.result);
  end if;
  v_due := df.now() + df_engine.backoff(p_node.config, v_failures);
  update df_engine.tasks set retries = coalesce(retries, '{}')
      || jsonb_build_object(p_node.node::text, v_failures)
  where id = p.task;
  update df_engine.node_runs set status = 'running', wake_at = v_due, finished_at = null
  where instance = p.instance and node = (v_error ->> 'node')::integer;
  return df_engine.park(p, df_engine.entry_state((select op from df_engine.nodes
      where graph = p.graph and node = p_node.first_node))::"char", p_node.first_node, v_due);
end
$$;

-- Forget the failures of the retries in a range of nodes.
create function df_engine.forget_retries(p_task bigint, p_first integer, p_last integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.tasks set retries = (
    select jsonb_object_agg(key, value) from jsonb_each(retries)
    where key::integer not between p_first and p_last)
  where id = p_task and retries is not null
$$;

-- Forget the failures of the retries that a branch leaves when it goes on at a node.
create function df_engine.leave_retries(p_task bigint, p_graph integer, p_to integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.tasks t set retries = (
    select jsonb_object_agg(key, value) from jsonb_each(t.retries)
    join df_engine.nodes n on n.graph = p_graph and n.node = key::integer
    where p_to > n.node and p_to <= n.last_node)
  where t.id = p_task and t.retries is not null
$$;
-- 54_branches.sql
-- Branches: forking, joining, racing, and the end of a run. Everything that concerns
-- more than one branch of a run happens under the lock of its instance row.

-- Lock the run's row and return whether the run, and this branch of it, is still wanted.
-- Lock order: after the branch's own task, before everything else.
create function df_engine.lock_run(p_instance bigint, p_parent bigint, p_epoch integer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_status text;
begin
  select status into v_status from df_engine.instances where id = p_instance for update;
  return v_status = 'active'
    and (p_parent is null or df_engine.is_awaited(p_parent, p_epoch));
end
$$;

-- Begin the branches of a join or a race, each with a task of its own; this branch waits
-- for them. What an earlier execution bound inside is forgotten.
create function df_engine.fork(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
begin
  update df_engine.node_runs set scope = null
  where instance = p.instance and node > p_node.node and node <= p_node.last_node
    and scope > p_node.node;
  v := df_engine.park(p, 'j', p_node.node, null, true);
  update df_engine.tasks t set pending = cardinality(p_node.children), forks = t.forks + 1
  where t.id = p.task returning * into v_task;
  insert into df_engine.tasks (instance, node, state, frame, parent, epoch, ready_at)
  select p.instance, f.node, df_engine.entry_state(f.op)::"char", c.node, p.task, v_task.forks,
    clock_timestamp()
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  where c.graph = p.graph and c.node = any (p_node.children);
  perform pg_notify('df_work', '');
  return v;
end
$$;

-- End a branch at its join or race. A branch that nobody waits for any more is lost:
-- the error makes the caller undo the step and remove the task.
create function df_engine.end_branch(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  if p_node.op = 'race' then
    v := df_engine.decide_race(p, p_node);
  else
    v := df_engine.arrive(p, p_node);
  end if;
  if v.how = '.' then
    return v;
  elsif v.outcome = 'ok' then
    v.how := 'd';
    v.node := p_node.node;
    return v;
  end if;
  perform df_engine.close_structure(v.instance, p_node.node, v.outcome);
  return df_engine.raise_up(v, p_node, v.outcome, v.result);
end
$$;

-- Raise the error of a branch whose work is not wanted any more; it never leaves the
-- engine.
create function df_engine.raise_lost() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the branch has lost its race, or its run has ended' using errcode = 'PD099';
end
$$;

-- Mark the row of a structural node, if it has one, as ended without a result.
create function df_engine.close_structure(p_instance bigint, p_node integer, p_outcome text)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.node_runs set finished_at = clock_timestamp(), scope = null, wake_at = null,
    status = case when p_outcome = 'failed' then 'failed' else 'completed' end
  where instance = p_instance and node = p_node and status = 'running'
$$;

-- Return the move of the task that waits for this branch.
create function df_engine.to_parent(p df_engine.move, p_outcome text, p_result text)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_parent df_engine.tasks;
begin
  select * into strict v_parent from df_engine.tasks where id = p.parent;
  v.task := v_parent.id;
  v.frame := v_parent.frame;
  v.parent := v_parent.parent;
  v.epoch := v_parent.epoch;
  v.how := 'p';
  v.outcome := p_outcome;
  v.result := p_result;
  return v;
end
$$;

-- Decide a race for the branch that has just ended. The losers that no session is
-- executing go now; one that is being executed finds out when it wants the instance
-- row, and is undone. The winner's names become the parent's.
create function df_engine.decide_race(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  with losers as (
    select t.id from df_engine.tasks t
    where t.instance = p.instance and t.frame > p_node.node and t.frame <= p_node.last_node
    for update skip locked),
  gone as (delete from df_engine.requests r using losers where r.task = losers.id)
  delete from df_engine.tasks t using losers where t.id = losers.id;
  update df_engine.node_runs set status = 'cancelled', wake_at = null,
    finished_at = clock_timestamp()
  where instance = p.instance and node > p_node.node and node <= p_node.last_node
    and status = 'running';
  perform df_engine.merge_names(p.instance, p.graph, p.frame, p_node);
  return df_engine.to_parent(p, p.outcome, p.result);
end
$$;

-- Give the names bound in a branch to the frame that forked it. Where names are bound by
-- several nodes, the branch's take the place of the parent's.
create function df_engine.merge_names(p_instance bigint, p_graph integer, p_branch integer,
  p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
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

-- Let a branch arrive at its join. The last one finishes it: any failure fails it, then
-- the first return, break or continue counts, in the order of the branches.
create function df_engine.arrive(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_branch record;
  v_results text[] := '{}';
  v_outcome text := 'ok';
  v_result text;
begin
  v := df_engine.park(p, 'f', p_node.node, null, true);
  update df_engine.tasks set outcome = p.outcome, result = p.result where id = p.task;
  update df_engine.tasks set pending = pending - 1 where id = p.parent
  returning case when pending = 0 then 'p' else '.' end into v.how;
  if v.how = '.' then
    return v;
  end if;
  for v_branch in
    select t.id, t.frame, t.outcome, t.result from df_engine.tasks t
    where t.instance = p.instance and t.parent = p.parent order by t.frame
  loop
    v_results := v_results || coalesce(v_branch.result, 'null');
    if v_outcome = 'ok' or v_outcome <> 'failed' and v_branch.outcome = 'failed' then
      v_outcome := v_branch.outcome;
      v_result := v_branch.result;
    end if;
    perform df_engine.merge_names(p.instance, p.graph, v_branch.frame, p_node);
  end loop;
  delete from df_engine.tasks where instance = p.instance and parent = p.parent;
  return df_engine.to_parent(p, v_outcome, case when v_outcome = 'ok'
    then case when p_node.keep then '[' || array_to_string(v_results, ', ') || ']' end
    else v_result end);
end
$$;

-- End a run. Lock order: own task, then the instance. A break or a continue that got
-- this far had no loop.
create function df_engine.finish(p df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_error json := case when p.outcome = 'failed' then p.result::json end;
  v_stray text := case when p.outcome in ('break', 'continue')
    then format('df.%s() outside of a loop', p.outcome) end;
begin
  update df_engine.instances i set
    status = case when v_error is null and v_stray is null then 'completed' else 'failed' end,
    result = case when p.outcome in ('ok', 'return') then coalesce(p.result, 'null') end,
    error = coalesce(v_stray, v_error ->> 'message'),
    sqlstate = case when v_stray is not null then 'PD006' else v_error ->> 'sqlstate' end,
    started_at = coalesce((select t.started_at from df_engine.tasks t where t.id = p.task),
      clock_timestamp()),
    completed_at = clock_timestamp()
  where i.id = p.instance and i.status = 'active';
  delete from df_engine.tasks where id = p.task;
  delete from df_engine.signals where instance = p.instance;
end
$$;
-- 55_waits.sql
-- Time and signals.

-- Return the time that timers go by: the test clock's when one is set, the real one
-- otherwise. Runs as its owner because the setting is not for everybody's eyes.
create function df.now() returns timestamptz
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select clock from df_engine.settings), clock_timestamp());
end
$$;

-- Stop the clock of all timers at a time; null lets it run with the real one again.
create function df.set_time(at timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update df_engine.settings set clock = at;
  perform pg_notify('df_work', '');
end
$$;

-- Move the test clock, stopping it first if it is not.
create function df.advance_time(by interval) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform df.set_time(df.now() + by);
  return df.now();
end
$$;

-- Wake the workers for a timer that is due before all others.
create function df_engine.announce_timer(p_wake timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  if not exists (select from df_engine.tasks where wake_at < p_wake) then
    perform pg_notify('df_work', '');
  end if;
end
$$;

-- Return the milliseconds until it is worth looking again: 0 when work is ready; the time
-- until the next timer; null when there is none or when the test clock stands before it.
-- Ready work that another session holds may come free without a notification: at the end
-- of its batch, or with its session. So it is looked at again, the sooner the younger it is.
create function df_engine.next_wait() returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_due timestamptz;
  v_held timestamptz;
  v_wait double precision;
begin
  perform 1 from df_engine.tasks t where t.ready_at is not null
  order by t.ready_at limit 1 for update skip locked;
  if found then
    return 0;
  end if;
  select t.ready_at into v_held from df_engine.tasks t
  where t.ready_at is not null order by t.ready_at desc limit 1;
  select t.wake_at into v_due from df_engine.tasks t
  where t.wake_at is not null order by t.wake_at limit 1;
  if v_due <= df.now() then
    return 0;
  elsif v_due is not null and (select clock from df_engine.settings) is null then
    v_wait := extract(epoch from v_due - clock_timestamp()) * 1000;
  end if;
  if v_held is not null then
    v_wait := least(v_wait, 1000,
      greatest(5, extract(epoch from clock_timestamp() - v_held) * 1000));
  end if;
  return case when v_wait is not null then ceil(least(v_wait, 2000000000))::integer end;
end
$$;

-- Take the oldest signal of a name out of the inbox and return it as the wait's result;
-- null when there is none.
create function df_engine.take_signal(p_instance bigint, p_name text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_data text;
begin
  delete from df_engine.signals where id = (
    select id from df_engine.signals where instance = p_instance and name = p_name
    order by id limit 1)
  returning data into v_data;
  if v_data is null then
    return null;
  end if;
  return '{"signal_name": ' || to_json(p_name) || ', "timed_out": false, "data": '
    || df_graph.as_json(v_data) || '}';
end
$$;

-- Wait at a signal node, or take the signal that is already there. The instance's lock
-- orders this against delivery, so that no signal falls between looking and waiting.
create function df_engine.await_signal(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_name text := p_node.config ->> 'name';
  v_wake timestamptz := df.now()
    + make_interval(secs => (p_node.config ->> 's')::double precision);
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  perform df_engine.record_wait(p.instance, p_node.node, v_wake, df_engine.is_retried(p.task));
  v.result := df_engine.take_signal(p.instance, v_name);
  if v.result is not null then
    v.how := 'd';
    return v;
  end if;
  return df_engine.park(p, 's', p_node.node, v_wake, true, v_name);
end
$$;

-- Return the result of a wait whose time is up. A signal that came in the meantime
-- still counts.
create function df_engine.signal_timeout(p_instance bigint, p_name text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(df_engine.take_signal(p_instance, p_name),
    '{"signal_name": ' || to_json(p_name) || ', "timed_out": true, "data": null}')
$$;

-- Deliver what is in a run's inbox to the waits for it. A wait that another session
-- holds is about to look into the inbox itself.
create function df_engine.deliver(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_wait df_engine.tasks;
begin
  for v_wait in
    select * from df_engine.tasks t
    where t.instance = p_instance and t.state = 's'
    order by t.id for update skip locked
  loop
    v_wait.result := df_engine.take_signal(p_instance, v_wait.signal);
    if v_wait.result is not null then
      v_wait.state := 'd';
      v_wait.signal := null;
      v_wait.wake_at := null;
      v_wait.ready_at := clock_timestamp();
      perform df_engine.replace_task(v_wait);
    end if;
  end loop;
end
$$;
-- 56_http.sql
-- HTTP. The engine renders requests and keeps them; the worker process leases, makes and
-- answers them. `attempt` counts leases, so that an answer that comes after its lease
-- was given to another worker changes nothing.

-- Return the text of a template, null for none.
create function df_engine.fill(p_template jsonb, p_run df_engine.instances,
  p_scopes integer[]) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select df_engine.render(array(select jsonb_array_elements_text(p_template -> 'p')),
    p_template -> 'r', p_run.id, p_run.input, p_scopes, false)
  where jsonb_typeof(p_template) = 'object'
$$;

-- Put the request of an http node where workers find it. A reference that cannot be
-- replaced fails the node, not the step before it.
create function df_engine.request(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := p;
  v_run df_engine.instances;
  v_failure df_engine.failure;
  v_config jsonb := p_node.config;
begin
  select * into v_run from df_engine.instances where id = p.instance;
  perform df_engine.record_wait(p.instance, p_node.node, null, df_engine.is_retried(p.task));
  begin
    insert into df_engine.requests (task, instance, node, method, url, headers, body,
      timeout_seconds, idempotency_key)
    values (p.task, p.instance, p_node.node, v_config ->> 'method',
      df_engine.fill(v_config -> 'url', v_run, p_node.scopes),
      (select coalesce(jsonb_object_agg(key, df_engine.fill(value, v_run, p_node.scopes)), '{}')
        from jsonb_each(v_config -> 'headers')),
      df_engine.fill(v_config -> 'body', v_run, p_node.scopes),
      (v_config ->> 'timeout')::integer,
      v_run.run_id || '-' || p_node.node || '-' || (select executions
        from df_engine.node_runs where instance = p.instance and node = p_node.node));
  exception when others then
    v_failure.message := sqlerrm;
    v_failure.sqlstate := sqlstate;
    perform df_engine.set_error(p.instance, p_node.node, v_failure);
    return df_engine.raise_up(p, p_node, 'failed',
      df_engine.error_text(p_node.node, v_failure));
  end;
  v := df_engine.park(p, 'h', p_node.node, null, true);
  perform pg_notify('df_work', 'http');
  return v;
end
$$;

-- Return a failure as the text that goes up the graph.
create function df_engine.error_text(p_node integer, p_failure df_engine.failure) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object('node', p_node, 'message', p_failure.message,
    'sqlstate', p_failure.sqlstate, 'kind', p_failure.kind)::text
$$;

-- Record the failure of a node whose row is there already.
create function df_engine.set_error(p_instance bigint, p_node integer,
  p_failure df_engine.failure) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  update df_engine.node_runs set status = 'failed', finished_at = clock_timestamp(),
    wake_at = null, error = p_failure.message, sqlstate = p_failure.sqlstate,
    detail = p_failure.detail, context = p_failure.context
  where instance = p_instance and node = p_node
$$;

-- Lease up to `max_requests` requests to a worker, each for its timeout and 30 seconds.
create function df.claim_http(worker text, max_requests integer)
returns table (request_id bigint, run_id text, node_id text, attempt integer, method text,
  url text, headers jsonb, body text, timeout_seconds integer, idempotency_key text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with due as (
    select q.id from df_engine.requests q
    where q.leased_until is null or q.leased_until < clock_timestamp()
    order by q.id limit max_requests for update skip locked)
  update df_engine.requests r set attempt = r.attempt + 1, worker = claim_http.worker,
    leased_until = clock_timestamp() + make_interval(secs => r.timeout_seconds + 30)
  from due, df_engine.instances i
  where r.id = due.id and i.id = r.instance
  returning r.id, i.run_id, r.node::text, r.attempt, r.method, r.url, r.headers, r.body,
    r.timeout_seconds, r.idempotency_key;
end
$$;

-- Take a request away for its answer and return where it came from; null when the lease
-- is not the caller's any more. Lock order: task, then request, then the instance.
create function df_engine.close_request(p_request bigint, p_attempt integer)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
  v_task df_engine.tasks;
begin
  select t.* into v_task from df_engine.tasks t
  where t.id = (select r.task from df_engine.requests r where r.id = p_request)
    and t.state = 'h' for update;
  delete from df_engine.requests where id = p_request and attempt = p_attempt;
  if not found or v_task.id is null
     or not df_engine.lock_run(v_task.instance, v_task.parent, v_task.epoch) then
    return null;
  end if;
  v.task := v_task.id;
  v.instance := v_task.instance;
  v.graph := (select graph from df_engine.instances where id = v_task.instance);
  v.frame := v_task.frame;
  v.parent := v_task.parent;
  v.epoch := v_task.epoch;
  v.node := v_task.node;
  v.rounds := 0;
  return v;
end
$$;

-- Answer a request with its response {status, body, encoding, headers, ok, duration_ms}.
-- A status of 500 and more fails the node. Returns whether the answer was wanted.
create function df.finish_http(request_id bigint, attempt integer, response jsonb)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(request_id, attempt);
  v_failure df_engine.failure;
begin
  if v.task is null then
    return false;
  end if;
  v_failure.kind := response ->> 'status';
  v_failure.sqlstate := 'PD020';
  v_failure.message := format('HTTP status %s', v_failure.kind);
  v_failure.detail := left(response ->> 'body', 2000);
  if (response ->> 'status')::integer >= 500
     or df_engine.will_retry(v, df_engine.error_text(v.node, v_failure)::json) then
    perform df_engine.fail_node(v, v_failure);
  else
    v.how := 'd';
    v.result := response::text;
    perform df_engine.walk(v);
  end if;
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Answer a request that had no response. `kind` is transport, refused, too_large, or
-- another word; only transport is retried by default.
create function df.fail_http(request_id bigint, attempt integer, message text, kind text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(request_id, attempt);
  v_failure df_engine.failure;
begin
  if v.task is null then
    return false;
  end if;
  v_failure.kind := kind;
  v_failure.message := message;
  v_failure.sqlstate := case kind when 'refused' then 'PD022' when 'too_large' then 'PD023'
    else 'PD021' end;
  perform df_engine.fail_node(v, v_failure);
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Fail the node of a move and go on from there.
create function df_engine.fail_node(p df_engine.move, p_failure df_engine.failure)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_node df_engine.nodes;
begin
  perform df_engine.set_error(p.instance, p.node, p_failure);
  select * into strict v_node from df_engine.nodes where graph = p.graph and node = p.node;
  perform df_engine.walk(df_engine.raise_up(p, v_node, 'failed',
    df_engine.error_text(p.node, p_failure)));
end
$$;

-- Return whether a retry in this branch would answer to a failure of the move's node.
create function df_engine.will_retry(p df_engine.move, p_error json) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (
    select from df_engine.nodes n, df_engine.tasks t
    where n.graph = p.graph and n.node < p.node and n.last_node >= p.node
      and n.op = 'retry' and n.frame = p.frame and t.id = p.task
      and coalesce((t.retries ->> n.node::text)::integer, 0) + 1 < (n.config ->> 'max')::integer
      and df_engine.is_retryable(n.config, p_error))
$$;
-- 57_work.sql
-- The worker's procedure and what it does with one step.

-- Do one leaf: run its statement as the run's role and record it, or record why it
-- failed; then walk to the next leaf. Returns true; null, with everything undone, when a
-- step of a batch (`p_in_batch`, see 58_batch.sql) has to be done again alone.
--
-- The statement has a subtransaction, which the walk shares where it can fail. What
-- proceed() does cannot, so it comes after: an update there of the row that the claim has
-- locked outside would make a multixact. Nothing here may use an operator or an
-- unqualified name: the statement may have left a hostile search_path behind, until
-- tidy() is done. (Functions are called by assignment: `perform` would start the executor
-- for each.)
create function df_engine.attempt(p_step df_engine.step, p_in_batch boolean default false)
returns boolean
language plpgsql
as $$
declare
  v_outcome df_engine.outcome;
  v_failure df_engine.failure;
  v_done boolean := false;
  v_ok boolean;
begin
  begin
    if p_step.error is not null then
      perform df_engine.raise_reference(p_step.error);
    end if;
    if p_in_batch then
      v_ok := df_engine.limit_waits();
    end if;
    v_outcome := df_engine.dispatch(p_step.executor, p_step.sql, p_step.capture, p_step.rows,
      p_step.search_path, p_step.time_zone);
    v_done := true;
    v_ok := df_engine.tidy(p_in_batch);
    if not df_engine.is_plain(p_step, v_outcome.result) then
      if p_in_batch then
        v_ok := df_engine.limit_waits();
      end if;
      return df_engine.succeed(p_step, v_outcome);
    end if;
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics v_failure.message = message_text,
      v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
      v_failure.context = pg_exception_context;
  end;
  if v_failure.sqlstate is null then
    return df_engine.proceed(p_step, v_outcome);
  end if;
  v_ok := df_engine.tidy(p_in_batch);
  return df_engine.fail(p_step, v_failure, v_done, p_in_batch);
end
$$;

-- Return whether a leaf is followed by another one of its branch, and what there is to
-- record cannot fail: it is small.
create function df_engine.is_plain(p_step df_engine.step, p_result text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_step.next_state = 'x' and p_step.op = 'sql' and not p_step.guarded
    and coalesce(octet_length(p_result), 0) + octet_length(p_step.sql) < 1000000;
end
$$;

-- Raise the error of a statement that could not be rendered.
create function df_engine.raise_reference(p_message text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', p_message using errcode = 'PD004';
end
$$;

-- Undo what a statement can leave in its session: settings, temporary tables, LISTEN,
-- advisory locks, sequence positions, prepared statements and held cursors. The last two
-- are dear to look for, and may wait for the end of a batch. RESET ALL comes last and
-- takes the search_path of this function with it.
create function df_engine.tidy(p_in_batch boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ignored text;
begin
  v_ignored := pg_advisory_unlock_all();
  unlisten *;
  discard sequences;
  if pg_my_temp_schema() <> 0 then
    discard temp;
  end if;
  if not p_in_batch then
    v_ignored := df_engine.close_leftovers();
  end if;
  reset all;
  return true;
end
$$;

-- Remove prepared statements and held cursors that a statement left.
create function df_engine.close_leftovers() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
begin
  for v_name in select name from pg_prepared_statements where from_sql loop
    execute 'deallocate ' || quote_ident(v_name);
  end loop;
  for v_name in select name from pg_cursors where is_holdable loop
    execute 'close ' || quote_ident(v_name);
  end loop;
  return true;
end
$$;

-- Record the success of a plain leaf and set its task to the next one; with the tenth
-- turn the task queues again behind the others. Lock order: the task is held.
create function df_engine.proceed(p_step df_engine.step, p_outcome df_engine.outcome)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_ok boolean;
begin
  v_ok := df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
  if p_step.again then
    perform df_engine.leave_retries(p_step.task, p_step.graph, p_step.next_node);
  end if;
  if p_step.turn < 10 then
    update df_engine.tasks t set node = p_step.next_node, state = 'x', turns = p_step.turn,
      moved_at = clock_timestamp(), started_at = coalesce(t.started_at, p_step.claimed_at)
    where t.id = p_step.task;
  else
    update df_engine.tasks t set node = p_step.next_node, state = 'x', turns = 0,
      moved_at = clock_timestamp(), ready_at = clock_timestamp()
    where t.id = p_step.task;
  end if;
  return v_ok;
end
$$;

-- Record the success of a leaf and walk on from it. Lock order: the task is held; inside
-- a race the instance comes first, to know that the branch is still wanted.
create function df_engine.succeed(p_step df_engine.step, p_outcome df_engine.outcome)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move;
begin
  if p_step.guarded and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.raise_lost();
  end if;
  if p_step.op <> 'sql' then
    perform df_engine.succeed_native(p_step, p_outcome);
    return true;
  elsif p_step.next_state = 'x' then
    return df_engine.proceed(p_step, p_outcome);
  end if;
  v := df_engine.move_of(p_step);
  v.how := p_step.next_state;
  v.node := p_step.next_node;
  v.child := p_step.node;
  v.outcome := 'ok';
  v.result := p_outcome.result;
  perform df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
  perform df_engine.settle(p_step);
  perform df_engine.walk(v);
  return true;
end
$$;

-- Bring a task that is about to walk up to date: its first start, its place in the
-- queue, the retries it leaves.
create function df_engine.settle(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  if p_step.again then
    perform df_engine.leave_retries(p_step.task, p_step.graph, p_step.next_node);
  end if;
  update df_engine.tasks t set
    turns = case when p_step.turn >= 10 then 0 else p_step.turn end,
    moved_at = clock_timestamp(),
    ready_at = case when p_step.turn >= 10 then clock_timestamp() else t.ready_at end,
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
end
$$;

-- Return the position of a step's branch.
create function df_engine.move_of(p_step df_engine.step) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
begin
  v.task := p_step.task;
  v.instance := p_step.instance;
  v.graph := p_step.graph;
  v.frame := p_step.frame;
  v.parent := p_step.parent;
  v.epoch := p_step.epoch;
  v.rounds := 0;
  return v;
end
$$;

-- Go on after the query of a return or of a computed timer.
create function df_engine.succeed_native(p_step df_engine.step, p_outcome df_engine.outcome)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
  v_node df_engine.nodes;
  v_value text;
begin
  select * into strict v_node from df_engine.nodes
  where graph = p_step.graph and node = p_step.node;
  perform df_engine.settle(p_step);
  if p_step.op = 'return' then
    perform df_engine.record_success(p_step, p_outcome.result, p_outcome.row_count);
    perform df_engine.walk(df_engine.raise_up(v, v_node, 'return', p_outcome.result));
    return;
  end if;
  select value into v_value from json_each_text(p_outcome.result::json -> 'rows' -> 0) limit 1;
  if v_value is null then
    raise exception 'the query of a timer gave no value' using errcode = 'PD003';
  end if;
  v := df_engine.sleep_to(v, p_step.node, case p_step.op
    when 'sleep_for' then df.now() + v_value::interval else v_value::timestamptz end);
end
$$;

-- Record the failure of a step and go on from there. Returns false when the work is not
-- wanted any more, null when it has to be done again alone. A cancelled query is not the
-- step's failure unless a timeout did it.
create function df_engine.fail(p_step df_engine.step, p_failure df_engine.failure,
  p_done boolean, p_in_batch boolean default false) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  if p_failure.sqlstate = '57014' and p_failure.message not like '%timeout%' then
    raise exception '%', p_failure.message using errcode = '57014';
  elsif p_in_batch then
    return null;
  elsif p_done and left(p_failure.sqlstate, 2) = '40' then  -- the engine's own conflict
    update df_engine.tasks set ready_at = clock_timestamp(), moved_at = clock_timestamp()
    where id = p_step.task;
    return true;
  elsif p_done and p_failure.sqlstate = 'PD099' or p_step.guarded
        and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.drop_task(p_step.task);
    return false;
  end if;
  perform df_engine.settle_failure(p_step, p_failure);
  return true;
end
$$;

-- Record a failure and bring it up the graph.
create function df_engine.settle_failure(p_step df_engine.step, p_failure df_engine.failure)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_node df_engine.nodes;
begin
  perform df_engine.record_failure(p_step, p_failure);
  update df_engine.tasks t set moved_at = clock_timestamp(),
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  select * into strict v_node from df_engine.nodes
  where graph = p_step.graph and node = p_step.node;
  perform df_engine.walk(df_engine.raise_up(df_engine.move_of(p_step), v_node, 'failed',
    df_engine.error_text(p_step.node, p_failure)));
end
$$;
-- 58_batch.sql
-- Batches: short steps of several runs that share a commit, which costs more than they do.
--
-- A transaction begins with one step, whatever it is. When that was short, the session
-- adds further steps, one after the other, until the batch is `batch_ms` old or has 25
-- (each has a subtransaction, and more than 64 of those slow down everybody's snapshots).
-- df.configure(batch_ms => 0) turns batches off. Nothing of them is to be seen from
-- outside:
--
-- * A failing step undoes only itself. Whatever goes wrong with a step that was added, the
--   batch ends, the steps before it commit, and the step is done again alone, in a
--   transaction of its own, which has the last word and counts the attempt. So an error
--   can never come from the company that a step was in.
-- * A slow step delays nobody. Only statements that were short three times in a row, alone,
--   are added; one that takes long in spite of that has to prove itself again twenty
--   times. A step that was added waits 5 ms at most for a lock, then the batch ends as
--   above. Since it holds locks only for the length of a batch and waits for none longer
--   than that, it cannot be part of a deadlock. The first step holds no lock but its own
--   and waits as long as it likes.
-- * now() is that of the transaction. Steps of one run never share it, and it never goes
--   back within a run: claim_more() leaves out what moved since the batch began.
-- * Deferred constraints are checked at the end of every step, and stay immediate for the
--   rest of the transaction. Where a database has constraints that are deferred from the
--   start, and where transactions keep a snapshot (repeatable read), there are no batches.
-- * Statements whose text shows that they care are never added: NOTIFY (equal ones of one
--   transaction arrive once), LOCK, transaction ids, sleeps, anything that is not a query,
--   an insert, an update, a delete or a merge. Inside a race every step is alone.
--
-- What is left: two runs may see one transaction id; equal NOTIFYs hidden in functions or
-- triggers of two runs arrive once; a sequence advances twice when a step is done again.
--
-- (To claim many tasks at once was the other way: it spares statements, but holds tasks
-- that a slow step keeps waiting.)

-- Return the longest duration of a batch in milliseconds, 0 for none.
create function df_engine.batch_ms() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when current_setting('transaction_isolation') <> 'read committed'
      or exists (select from pg_trigger where tginitdeferred) then 0
    else batch_ms end
  from df_engine.settings
$$;

-- Let this transaction wait for locks only shortly; the tidying after a step ends it.
create function df_engine.limit_waits() returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select set_config('lock_timeout', '5ms', true) is not null $$;

-- Return whether a step may be added to a batch.
create function df_engine.fits_batch(p_step df_engine.step) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_step.short_runs >= 3 and p_step.state = 'x' and p_step.active
    and p_step.op = 'sql' and not p_step.guarded and p_step.error is null
    and (p_step.parent is null or df_engine.is_awaited(p_step.parent, p_step.epoch));
end
$$;

-- Return whether a statement, given by its literal parts, may ever be added to a batch.
create function df_engine.may_share(p_parts text[]) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_parts[1] ~* '^\s*(select|insert|update|delete|merge|with|values)\M'
    and array_to_string(p_parts, ' ') !~* '\m(pg_)?notify\M|\mlock\M|sleep|dblink|xact|txid|\mxmin\M'
$$;

-- Learn from a step that has just been done whether its statement is short: from -20,
-- after a long one, up to 3. Contends only with other sessions that learn about the same
-- statement, at the end of their transactions.
create function df_engine.learn(p_step df_engine.step, p_failed boolean default false)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_ms double precision := extract(epoch from clock_timestamp() - p_step.claimed_at) * 1000;
begin
  if p_failed or v_ms > 20 then
    update df_engine.nodes n set short_runs = case when p_failed then 0 else -20 end
    where n.graph = p_step.graph and n.node = p_step.node and n.short_runs > -20;
  elsif v_ms < 2 and p_step.op = 'sql' then
    update df_engine.nodes n set short_runs = case when df_engine.may_share(n.parts)
      then n.short_runs + 1 else -1000 end
    where n.graph = p_step.graph and n.node = p_step.node and n.short_runs between -20 and 2;
  end if;
  return true;
end
$$;

-- Add steps to a transaction that has done its first, and learn from them all. Returns how
-- many were added, and the task to go on with in the next transaction, if there is one
-- that must be first in it. Like attempt(), it uses no operator and no unqualified name.
create function df_engine.add_steps(p_first df_engine.step, p_ms integer, p_max integer,
  out added integer, out go_on bigint)
language plpgsql
as $$
declare
  v_step df_engine.step := p_first;
  v_until timestamptz := p_first.claimed_at operator(pg_catalog.+)
    pg_catalog.make_interval(secs => p_ms operator(pg_catalog./) 1000::pg_catalog.float8);
  v_ok boolean;
begin
  added := 0;
  if p_first.short_runs operator(pg_catalog.<) 3
     or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until then
    v_ok := df_engine.learn(p_first);
  end if;
  while added operator(pg_catalog.<) p_max
      and pg_catalog.clock_timestamp() operator(pg_catalog.<) v_until loop
    v_step := df_engine.claim_more(v_step.ready_at);
    exit when v_step.task is null;
    go_on := v_step.task;
    exit when not df_engine.fits_batch(v_step);
    v_ok := df_engine.attempt(v_step, true);
    if v_ok is null then
      v_ok := df_engine.learn(v_step, true);
      exit;
    end if;
    go_on := null;
    added := added operator(pg_catalog.+) 1;
    if pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until then
      v_ok := df_engine.learn(v_step);
    end if;
  end loop;
  if added operator(pg_catalog.>) 0 then
    v_ok := df_engine.close_leftovers();
  end if;
end
$$;
-- 58_resume.sql
-- Tasks that do not execute a statement, and the loop over all tasks.

-- Go on with a task that was woken: a timer, a delivered signal, a node to enter.
create function df_engine.resume(p_step df_engine.step) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_failure df_engine.failure;
begin
  perform df_engine.resume_walk(p_step);
  return true;
exception when others then
  get stacked diagnostics v_failure.message = message_text,
    v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
    v_failure.context = pg_exception_context;
  return df_engine.fail(p_step, v_failure, true);
end
$$;

-- Walk on from where a woken task stands. Lock order: the task is held, then the
-- instance where other branches or signals matter.
create function df_engine.resume_walk(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
  v_task df_engine.tasks;
begin
  if (p_step.guarded or p_step.state in ('s', 'g'))
     and not df_engine.lock_run(p_step.instance, p_step.parent, p_step.epoch) then
    perform df_engine.raise_lost();
  end if;
  select * into strict v_task from df_engine.tasks where id = p_step.task;
  if p_step.state = 'g' then
    perform df_engine.deliver(p_step.instance);
    perform df_engine.drop_task(p_step.task);
    return;
  end if;
  update df_engine.tasks t set
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  v.how := case when p_step.state = 's' then 'd' else p_step.state end;
  v.node := p_step.node;
  v.result := case p_step.state when 'd' then coalesce(v_task.result, 'null')
    when 's' then df_engine.signal_timeout(p_step.instance, v_task.signal) end;
  perform df_engine.walk(v);
end
$$;

-- Do ready work until there is none, or until a bound is reached: `max_steps` leaves, or
-- `max_ms` milliseconds. A leaf is committed by itself, or with short ones of other runs
-- (58_batch.sql). On return: the leaves done, and the milliseconds until the next timer
-- (0: there is more to do now; null: none).
--
-- A task whose leaves are alone is done one after the other by the session that has it,
-- for ten steps, and then queues again behind the others. Not security definer and
-- without SET, because a procedure that commits can be neither; so every name is
-- qualified, and what needs an operator is computed by functions that pin their
-- search_path.
create procedure df.work(max_steps integer, max_ms integer, inout steps integer default 0,
  inout wait_ms integer default null)
language plpgsql
as $$
declare
  v_step df_engine.step;
  v_added record;
  v_ok boolean;
  v_batch_ms integer := df_engine.batch_ms();
  v_solo integer := 0;  -- so many steps alone, before company is looked for again
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  steps := 0;
  loop
    v_step := df_engine.claim(v_step.task, v_step.turn);
    exit when v_step.task is null;
    steps := steps operator(pg_catalog.+) 1;
    v_solo := v_solo operator(pg_catalog.-) 1;
    if v_step.state operator(pg_catalog.=) 'k' then
      v_ok := df_engine.attempt_suspect(v_step);
    elsif v_step.state operator(pg_catalog.<>) 'x' then
      v_ok := df_engine.resume(v_step);
    else
      v_ok := df_engine.attempt(v_step);
      if v_batch_ms operator(pg_catalog.>) 0 and v_solo operator(pg_catalog.<=) 0 then
        v_added := df_engine.add_steps(v_step, v_batch_ms,
          least(24, max_steps operator(pg_catalog.-) steps));
        if v_added.added operator(pg_catalog.>) 0 or v_added.go_on is not null then
          v_step.task := v_added.go_on;
          v_step.turn := 0;
        else
          v_solo := 10;
        end if;
        steps := steps operator(pg_catalog.+) v_added.added;
      end if;
    end if;
    commit;
    exit when steps operator(pg_catalog.>=) max_steps
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
  wait_ms := df_engine.next_wait();
end
$$;
-- 59_suspects.sql
-- Suspects: steps that may be what ends their sessions.
--
-- A claim is a row lock, so a step that takes its session down with it (it terminates its
-- backend, exhausts the memory, cannot be committed) leaves no trace and would be tried
-- for ever. After a worker has lost a session, it therefore works carefully for a while:
-- each step is noted in a committed row before it executes, and its task goes to state
-- 'k', which every session treats so from then on. A note whose session is gone counts
-- against its step; with the third the step fails with PD030. Steps that have something
-- against them execute one at a time, so that when a crash ends all sessions at once, the
-- count of what merely ran beside the culprit stays at one. A new start of the server
-- excuses the step nine times: it may have been the operator's.
--
-- (To note every step was the other way: it would double the commits of the hot path.)

-- Notes. A row is written under the lock of its task.
create table df_engine.suspects (
  task bigint primary key,
  pid integer,                      -- session that is about to execute it, null for none
  session timestamptz,              -- when that session began
  server timestamptz not null,      -- when its server began
  noted_in xid8 not null,           -- transaction of the note
  deaths integer not null default 0,
  restarts integer not null default 0,
  gone integer[] not null default '{}',  -- sessions that were counted
  reason text                       -- of the last end, as its client saw it
);
revoke all on df_engine.suspects from public;

-- Return when this session began.
create function df_engine.session_start() returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select backend_start from pg_stat_activity where pid = pg_backend_pid() $$;

-- Return a note with what has happened since it was written: the session gone, or the
-- whole server. One that is alive, and has not got the task, has lost it to the caller.
create function df_engine.count_deaths(p_note df_engine.suspects) returns df_engine.suspects
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_note df_engine.suspects := p_note;
begin
  if p_note.server <> pg_postmaster_start_time() then
    v_note.restarts := p_note.restarts + (p_note.pid is not null)::integer;
  elsif p_note.pid is not null and not exists (
      select from pg_stat_activity a where a.pid = p_note.pid
        and coalesce(a.backend_start = p_note.session, true)) then
    v_note.deaths := p_note.deaths + 1;
    v_note.gone := p_note.gone || p_note.pid;
  end if;
  v_note.pid := null;
  return v_note;
end
$$;

-- Return whether a step with such a note may execute now: one that has something against
-- it only while no other one does. The lock lasts as long as the transaction.
create function df_engine.may_execute(p_note df_engine.suspects) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select p_note.deaths + p_note.restarts = 0
    or pg_try_advisory_xact_lock(1885696628, 'df_engine.suspects'::regclass::oid::integer)
$$;

-- Write a note; `p_pid` is null when the step is not going to execute now.
create function df_engine.note(p_task bigint, p_note df_engine.suspects, p_pid integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.suspects as s (task, pid, session, server, noted_in, deaths, restarts,
    gone)
  values (p_task, p_pid, df_engine.session_start(), pg_postmaster_start_time(),
    pg_current_xact_id(), coalesce(p_note.deaths, 0), coalesce(p_note.restarts, 0),
    coalesce(p_note.gone, '{}'))
  on conflict (task) do update set pid = excluded.pid, session = excluded.session,
    server = excluded.server, noted_in = excluded.noted_in, deaths = excluded.deaths,
    restarts = excluded.restarts, gone = excluded.gone
$$;

-- Remove the note of a task.
create function df_engine.clear(p_task bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  delete from df_engine.suspects where task = p_task;
  return true;
end
$$;

-- Let a suspect wait for a second, while another one executes.
create function df_engine.postpone(p_task bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
begin
  select * into strict v_task from df_engine.tasks where id = p_task;
  v_task.ready_at := null;
  v_task.wake_at := df.now() + interval '1 second';
  perform df_engine.replace_task(v_task);
end
$$;

-- Return a suspect's step as one that can be attempted, its statement rendered.
create function df_engine.as_executable(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step df_engine.step := p_step;
begin
  v_step.state := 'x';
  if v_step.rendered then
    v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
      v_step.scopes, true);
  end if;
  return v_step;
exception when others then
  v_step.error := sqlerrm;
  return v_step;
end
$$;

-- Fail a step that has ended too many sessions.
create function df_engine.condemn(p_step df_engine.step, p_note df_engine.suspects)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_failure df_engine.failure;
begin
  v_failure.sqlstate := 'PD030';
  v_failure.message := format('the session that executed the step ended before the step did, %s times',
    p_note.deaths + p_note.restarts);
  v_failure.detail := coalesce('The last time: ' || p_note.reason, 'The step is not tried again.');
  perform df_engine.fail(df_engine.as_executable(p_step), v_failure, false);
  perform df_engine.clear(p_step.task);
end
$$;

-- Return the step of a suspect if it is to be executed in this transaction: this session
-- has noted it, in an earlier one. Otherwise note it, let it wait, or fail it, and return
-- null. Lock order: the task is held; then the one lock of suspects, if it is free.
create function df_engine.judge(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_note df_engine.suspects;
begin
  select * into v_note from df_engine.suspects where task = p_step.task;
  if found and v_note.pid = pg_backend_pid() and v_note.session = df_engine.session_start()
     and v_note.noted_in < pg_current_xact_id() then
    if df_engine.may_execute(v_note) then
      return df_engine.as_executable(p_step);
    end if;
    v_note.pid := null;
  elsif found then
    v_note := df_engine.count_deaths(v_note);
  end if;
  if v_note.deaths >= 3 or v_note.restarts >= 10 then
    perform df_engine.condemn(p_step, v_note);
  elsif v_note.task is null or df_engine.may_execute(v_note) then
    perform df_engine.note(p_step.task, v_note, pg_backend_pid());
  else
    perform df_engine.note(p_step.task, v_note, null);
    perform df_engine.postpone(p_step.task);
  end if;
  return null;
end
$$;

-- Do a leaf whose task is a suspect, or take the next step towards that. Like attempt(),
-- it uses no operator and no unqualified name, and must be alone in its transaction.
create function df_engine.attempt_suspect(p_step df_engine.step) returns boolean
language plpgsql
as $$
declare
  v_step df_engine.step := df_engine.judge(p_step);
  v_ok boolean;
begin
  if v_step.task is null then
    return true;
  end if;
  v_ok := df_engine.attempt(v_step);
  return df_engine.clear(v_step.task);
end
$$;

-- Make a task whose leaf is about to execute a suspect, and note it.
create function df_engine.suspect(p_step df_engine.step) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  update df_engine.tasks set state = 'k' where id = p_step.task;
  perform df_engine.judge(p_step);
  return true;
end
$$;

-- Keep what a client knows about the end of a session, and remove the notes of tasks that
-- went away with their runs.
create function df_engine.heed(p_pid integer, p_reason text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update df_engine.suspects set reason = left(p_reason, 500)
  where p_pid = pid or p_pid = any (gone);
  delete from df_engine.suspects s where not exists (
    select from df_engine.tasks t where t.id = s.task and t.state = 'k');
  return true;
end
$$;

-- Do what df.work does, and note each leaf before it executes, at the price of a second
-- commit. For a worker that has lost a session, whose process id and end it may tell.
create procedure df.work_carefully(max_steps integer, max_ms integer,
  lost_pid integer default null, lost_reason text default null,
  inout steps integer default 0, inout wait_ms integer default null)
language plpgsql
as $$
declare
  v_step df_engine.step;
  v_ok boolean;
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  steps := 0;
  v_ok := df_engine.heed(lost_pid, lost_reason);
  commit;
  loop
    v_step := df_engine.claim(v_step.task, v_step.turn);
    exit when v_step.task is null;
    if v_step.state operator(pg_catalog.=) 'x' then
      v_ok := df_engine.suspect(v_step);
    elsif v_step.state operator(pg_catalog.=) 'k' then
      v_ok := df_engine.attempt_suspect(v_step);
    else
      v_ok := df_engine.resume(v_step);
    end if;
    commit;
    steps := steps operator(pg_catalog.+) 1;
    exit when steps operator(pg_catalog.>=) max_steps
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
  wait_ms := df_engine.next_wait();
end
$$;
-- 60_roles.sql
-- Roles. A step's text runs in the executor of its role: a function that the role owns,
-- SECURITY DEFINER, inside which PostgreSQL lets nobody change the role. The role owns
-- the function but has no access to its schema, so it cannot alter or call it.

-- Raise unless the role has an executor; the body is replaced by make_dispatcher().
create function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text) returns df_engine.outcome
language plpgsql
as $$
begin
  raise exception 'no role may run steps yet' using errcode = 'PD005';
end
$$;

-- Write the dispatcher anew: a static call per executor, because a call by name would
-- have to be parsed and planned at each step. It pins no search_path, which would hide
-- the step's; its only operator is qualified.
create function df_engine.make_dispatcher() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_calls text;
begin
  select string_agg(format($f$
  if p_executor operator(pg_catalog.=) %1$s then
    return df_exec.run_%1$s(p_sql, p_capture, p_rows, p_path, p_zone);
  end if;$f$, r.id), '' order by r.id) into v_calls
  from df_engine.roles r;
  execute format($f$
create or replace function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text) returns df_engine.outcome
language plpgsql
as $body$
begin%s
  raise exception 'the role of this run has no executor any more' using errcode = 'PD005';
end
$body$
$f$, coalesce(v_calls, ''));
end
$$;

-- Return the text that creates the executor `p_name`. It gives a statement the session
-- that it was promised: the search_path and time zone of df.start, ISO dates. The SET
-- clause restores search_path at its end. Deferred triggers fire before it ends: at
-- COMMIT they would run as the worker. A statement that turns out not to return rows
-- is executed again as a command: PostgreSQL refuses it before it does anything.
create function df_engine.executor_text(p_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select format($f$
create function df_exec.%I(p_sql text, p_capture boolean, p_rows boolean, p_path text,
  p_zone text, out result text, out row_count bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $body$
declare
  v_row record;
  v_rows text[] := '{}';
begin
  if pg_catalog.concat_ws('|', pg_catalog.current_setting('DateStyle'),
       pg_catalog.current_setting('IntervalStyle'), pg_catalog.current_setting('TimeZone'))
     operator(pg_catalog.<>) pg_catalog.concat('ISO, MDY|postgres|', p_zone) then
    perform pg_catalog.set_config('DateStyle', 'ISO, MDY', true),
      pg_catalog.set_config('IntervalStyle', 'postgres', true),
      pg_catalog.set_config('TimeZone', p_zone, true);
  end if;
  result := pg_catalog.set_config('search_path', p_path, true);
  if p_capture and p_rows then
    begin
      for v_row in execute p_sql loop
        v_rows := pg_catalog.array_append(v_rows, pg_catalog.row_to_json(v_row)::pg_catalog.text);
      end loop;
      row_count := pg_catalog.cardinality(v_rows);
      result := pg_catalog.concat('{"rows": [', pg_catalog.array_to_string(v_rows, ', '),
        '], "row_count": ', row_count, '}');
      set constraints all immediate;
      return;
    exception when invalid_cursor_definition then
      null;
    end;
  end if;
  execute p_sql;
  get diagnostics row_count = row_count;
  result := case when p_capture then '{"rows": [], "row_count": 0}' end;
  set constraints all immediate;
end
$body$
$f$, p_name)
$$;

-- Let a role start runs. `include_http` allows it HTTP nodes; `with_grant` lets it do the
-- same for others, as far as PostgreSQL lets it create functions for them. May be called
-- again to change that. The caller must own the runtime and be able to give a function
-- to the role.
create function df.grant_usage(role_name text, include_http boolean default false,
  with_grant boolean default false) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(role_name));
  v_executor integer;
  v_name text;
  v_visits boolean;
begin
  if v_role is null then
    raise exception 'there is no role %', quote_literal(role_name) using errcode = 'PD003';
  elsif not pg_has_role(current_user, v_role, 'MEMBER') then
    raise exception '% must be a member of role % to let it start runs', current_user, v_role
      using errcode = 'insufficient_privilege', hint = format('grant %s to %I', v_role, current_user);
  end if;
  lock table df_engine.roles in share row exclusive mode;
  insert into df_engine.roles (role, http) values (v_role, include_http)
  on conflict (role) do update set http = excluded.http returning id into v_executor;
  v_name := 'run_' || v_executor;
  if to_regproc('df_exec.' || v_name) is null then
    execute df_engine.executor_text(v_name);
    execute format('revoke all on function df_exec.%I from public', v_name);
    v_visits := not has_schema_privilege(v_role, 'df_exec', 'create');
    if v_visits then
      execute format('grant create on schema df_exec to %s', v_role);
    end if;
    execute format('alter function df_exec.%I owner to %s', v_name, v_role);
    if v_visits then
      execute format('revoke create on schema df_exec from %s', v_role);
    end if;
    execute format('grant execute on function df_exec.%I to current_user', v_name);
    perform df_engine.make_dispatcher();
  end if;
  perform df_engine.grant_api(v_role, with_grant);
end
$$;

-- Grant what users of the API need.
create function df_engine.grant_api(p_role regrole, p_with_grant boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
  v_tail text := format('to %s', p_role) || case when p_with_grant then ' with grant option' else '' end;
begin
  execute 'grant usage on schema df, df_graph, perdure ' || v_tail;
  execute 'grant select on df.instances, df.nodes, perdure.workflow_versions ' || v_tail;
  execute 'grant select, insert on df.commands ' || v_tail;
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace in ('df'::regnamespace, 'df_graph'::regnamespace,
        'perdure'::regnamespace) and p.prokind = 'f'
      and p.proname not in ('grant_usage', 'revoke_usage', 'set_time', 'advance_time',
        'configure', 'claim_http', 'finish_http', 'fail_http')
  loop
    execute format('grant execute on function %s %s', v_function, v_tail);
  end loop;
end
$$;

-- Take a role's right to start runs. Its runs stay as they are; their next step fails.
-- The owner of the runtime keeps its own.
create function df.revoke_usage(role_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(role_name));
  v_executor integer;
begin
  if v_role = (select nspowner from pg_namespace where nspname = 'df') then
    raise exception 'the owner of the runtime cannot be shut out' using errcode = 'PD003';
  end if;
  lock table df_engine.roles in share row exclusive mode;
  delete from df_engine.roles where role = v_role returning id into v_executor;
  if v_executor is null then
    return;
  end if;
  perform df_engine.make_dispatcher();
  execute format('drop function if exists df_exec.run_%s', v_executor);
  execute format('revoke all on all functions in schema df, df_graph, perdure from %s', v_role);
  execute format('revoke all on all tables in schema df, df_graph, perdure from %s', v_role);
  execute format('revoke all on schema df, df_graph, perdure from %s', v_role);
end
$$;
-- 61_commands.sql
-- Commands: what users do to runs.
--
-- The functions of the API run as their caller and insert into the view df.commands. Its
-- first trigger, which also runs as the caller, writes down who that is; the second one
-- runs as the owner and does the work. A SECURITY DEFINER function alone would not know
-- its caller, and an argument that names the role could be forged.

create view df.commands as
select null::regrole as role, null::text as verb, null::text as run_id, null::text as text1,
  null::text as text2, null::text as key, null::jsonb as data, null::text as search_path,
  null::text as time_zone, null::text as result
where false;

-- Write down who gives the command. Runs as the caller.
create function df_engine.sign_command() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.role := to_regrole(quote_ident(current_user));
  return new;
end
$$;

-- Do the command. Runs as the owner.
create function df_engine.do_command() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  case new.verb
    when 'start' then
      new.result := df_engine.start(new.role, new.text1, new.text2, new.key, new.data,
        new.search_path, new.time_zone);
    when 'signal' then
      perform df_engine.signal(new.role, new.run_id, new.text1, new.text2);
    when 'cancel' then
      perform df_engine.cancel(new.role, new.run_id, new.text1);
    when 'setvar' then
      insert into df_engine.vars (role, name, value) values (new.role, new.text1, new.text2)
      on conflict (role, name) do update set value = excluded.value;
    when 'unsetvar' then
      delete from df_engine.vars where role = new.role and (name = new.text1 or new.text1 is null);
    when 'getvar' then
      new.result := (select value from df_engine.vars where role = new.role and name = new.text1);
    when 'explain' then
      new.result := df_engine.explain_graph(df_engine.prepare(new.text1));
  end case;
  return new;
end
$$;

create trigger a_sign instead of insert on df.commands
  for each row execute function df_engine.sign_command();
create trigger b_do instead of insert on df.commands
  for each row execute function df_engine.do_command();

-- Start a run: an instance and its first task, in the caller's transaction. With a key,
-- a run that the role has started with the same key is returned instead.
create function df_engine.start(p_role regrole, p_graph text, p_label text, p_key text,
  p_input jsonb, p_path text, p_zone text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_role df_engine.roles;
  v_graph df_engine.graphs;
  v_run text;
  v_instance bigint;
  v_id integer := df_engine.prepare(p_graph);
begin
  select * into v_role from df_engine.roles where role = p_role;
  if not found then
    raise exception 'role % may not start runs', p_role using errcode = 'PD005',
      hint = format('The owner of the runtime can allow it: select df.grant_usage(%L);', p_role);
  end if;
  select * into v_graph from df_engine.graphs where id = v_id;
  perform df_engine.check_start(v_graph, v_role, p_input);
  loop
    v_run := lpad(to_hex((random() * 4294967295)::bigint), 8, '0');
    insert into df_engine.instances (run_id, graph, role, executor, search_path, time_zone,
      label, key, input, vars, database)
    values (v_run, v_graph.id, p_role, v_role.id, p_path, p_zone,
      p_label, p_key, p_input, (select jsonb_object_agg(name, value) from df_engine.vars
        where role = p_role), current_database())
    on conflict do nothing returning id into v_instance;
    exit when v_instance is not null;
    select run_id into v_run from df_engine.instances where role = p_role and key = p_key;
    if found then
      return v_run;
    end if;
  end loop;
  insert into df_engine.tasks (instance, node, state, frame, ready_at)
  values (v_instance, v_graph.start_node, v_graph.start_state, 1, clock_timestamp());
  perform pg_notify('df_work', '');
  return v_run;
end
$$;

-- Raise if a run of the graph could not go well from the start.
create function df_engine.check_start(p_graph df_engine.graphs, p_role df_engine.roles,
  p_input jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if jsonb_typeof(p_input) is distinct from 'object' then
    raise exception 'the input of a run is a JSON object' using errcode = 'PD003';
  elsif not p_input ?& p_graph.inputs then
    raise exception 'the input lacks %', (select string_agg(quote_ident(i), ', ')
        from unnest(p_graph.inputs) i where not p_input ? i) using errcode = 'PD003';
  elsif p_graph.has_http and not p_role.http then
    raise exception 'role % may not make HTTP requests', p_role.role using errcode = 'PD005',
      hint = format('The owner of the runtime can allow it: select df.grant_usage(%L, include_http => true);',
        p_role.role);
  end if;
end
$$;

-- Return the instance of a run that the role may touch, or raise.
create function df_engine.own_run(p_role regrole, p_run text) returns df_engine.instances
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df_engine.instances;
begin
  select * into v_run from df_engine.instances i
  where i.run_id = p_run and pg_has_role(p_role, i.role, 'usage');
  if not found then
    raise exception 'there is no run %', coalesce(quote_literal(p_run), 'null')
      using errcode = 'PD002';
  end if;
  return v_run;
end
$$;

-- Send a signal: into the inbox, and a task that delivers it. Takes no lock of the run,
-- so that a step may signal any run, its own too.
create function df_engine.signal(p_role regrole, p_run text, p_name text, p_data text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  if coalesce(p_name, '') = '' then
    raise exception 'a signal needs a name' using errcode = 'PD003';
  elsif v_run.status <> 'active' then
    return;
  end if;
  insert into df_engine.signals (instance, name, data) values (v_run.id, p_name, coalesce(p_data, 'null'));
  insert into df_engine.tasks (instance, node, state, frame, ready_at)
  values (v_run.id, 0, 'g', 0, clock_timestamp());
  perform pg_notify('df_work', '');
end
$$;

-- Cancel a run. A step that is being executed may still commit; nothing comes after it.
-- Lock order: the instance, then tasks by SKIP LOCKED; the ones that are held are
-- removed when they are claimed next.
create function df_engine.cancel(p_role regrole, p_run text, p_reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  update df_engine.instances i set status = 'cancelled', error = p_reason,
    completed_at = clock_timestamp(),
    started_at = (select min(t.started_at) from df_engine.tasks t where t.instance = i.id)
  where i.id = v_run.id and i.status = 'active';
  if not found then
    return;
  end if;
  with free as (
    select t.id from df_engine.tasks t where t.instance = v_run.id for update skip locked),
  gone as (delete from df_engine.requests r using free where r.task = free.id)
  delete from df_engine.tasks t using free where t.id = free.id;
  delete from df_engine.signals where instance = v_run.id;
end
$$;
-- 62_views.sql
-- What users see of their runs. The views run as their owner and show the rows of the
-- roles whose privileges the caller has; a superuser sees all.

-- Runs. `pending` until the first step is done.
create view df.instances with (security_barrier) as
select i.run_id as id, i.label, '1'::text as root_node,
  case when i.status <> 'active' then i.status
    when exists (select from df_engine.tasks t
      where t.instance = i.id and t.started_at is not null)
      or exists (select from df_engine.node_runs r where r.instance = i.id) then 'running'
    else 'pending' end as status,
  i.role::text as submitted_by, i.created_at, coalesce(i.completed_at, i.created_at) as updated_at,
  i.completed_at, i.database, i.error, i.sqlstate, i.input, i.key, i.result,
  coalesce(i.started_at, (select min(t.started_at) from df_engine.tasks t
    where t.instance = i.id)) as started_at
from df_engine.instances i
where pg_has_role(i.role, 'usage');

-- Return the API's name of a node type.
create function df_graph.node_type(p_op text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case p_op when 'seq' then 'THEN' when 'if_rows' then 'IF' when 'schedule'
    then 'WAIT_SCHEDULE' else upper(p_op) end
$$;

-- Return what a node does, as text: its statement as written, or its configuration.
create function df_graph.node_text(p_node df_engine.nodes) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := p_node.parts[1];
  v_ref jsonb;
  v_at integer := 1;
begin
  if p_node.parts is null then
    return nullif(coalesce(p_node.config -> 'shown', p_node.config - 'b'), '{}')::text;
  end if;
  for v_ref in select r from jsonb_array_elements(coalesce(p_node.refs, '[]')) r loop
    v_at := v_at + 1;
    v_text := v_text || case when v_ref ? 'v' then '{' || (v_ref ->> 'v') || '}'
      else '$' || (v_ref ->> 'n') || coalesce('.' || (v_ref ->> 'c'), '')
        || case when v_ref ? 'star' then '.*' else '' end
        || case when v_ref ? 'q' then '?' else '' end end || p_node.parts[v_at];
  end loop;
  return v_text;
end
$$;

-- Nodes that have run or are running: the ones with a row of their own, and the
-- structures around them, whose state follows from what is inside. A node that was
-- waiting when its run ended was cancelled with it.
create view df.nodes with (security_barrier) as
with shown as (
  select r.instance, r.node, r.status, r.executions, r.attempts, r.row_count, r.started_at,
    r.finished_at, r.wake_at, r.result, r.rendered_sql, r.error, r.sqlstate, r.detail, r.context
  from df_engine.node_runs r
  union all
  select r.instance, a.node,
    case when i.status = 'active' and exists (select from df_engine.tasks t
        where t.instance = r.instance and t.node between a.node and a.last_node
          and t.state <> 'f') then 'running'
      when bool_or(r.status = 'failed') and i.status = 'failed' then 'failed'
      when bool_or(r.status = 'running') and i.status <> 'active' then 'cancelled'
      else 'completed' end,
    null::integer, null::integer, null::bigint, min(r.started_at), max(r.finished_at),
    null::timestamptz, null::text, null::text, null::text, null::text, null::text, null::text
  from df_engine.node_runs r
  join df_engine.instances i on i.id = r.instance
  join df_engine.nodes a on a.graph = i.graph and a.node < r.node and a.last_node >= r.node
  where not exists (select from df_engine.node_runs o
    where o.instance = r.instance and o.node = a.node)
  group by r.instance, a.graph, a.node, a.last_node, i.status)
select i.run_id as instance_id, s.node::text as id, df_graph.node_type(n.op) as node_type,
  df_graph.node_text(n) as query, n.name as result_name, n.children[1]::text as left_node,
  n.children[2]::text as right_node,
  case when s.status = 'running' and i.status <> 'active' then 'cancelled'
    else s.status end as status,
  s.result, coalesce(s.finished_at, s.started_at) as updated_at, s.error, s.sqlstate, s.detail,
  s.context, s.attempts, s.executions, s.row_count,
  coalesce(s.rendered_sql, case when n.refs is null then n.parts[1] end) as rendered_sql,
  s.started_at, s.finished_at, s.wake_at
from shown s
join df_engine.instances i on i.id = s.instance
join df_engine.nodes n on n.graph = i.graph and n.node = s.node
where pg_has_role(i.role, 'usage');
-- 63_api.sql
-- The API's functions. They run as their caller, whose search_path and time zone a run
-- takes over; so the ones that hand those on pin nothing, use no operator, and qualify
-- every name.

-- Raise for options of pg_durable's that have another meaning here: a run lives in this
-- database, and starts with its caller's transaction.
create function df.check_options(database text, transaction_mode text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if database <> current_database() then
    raise exception 'a run executes in the database that it was started in, not in %',
      quote_ident(database) using errcode = 'PD003';
  elsif transaction_mode <> 'caller' then
    raise exception 'transaction_mode % is not supported: a run starts with its caller''s transaction',
      quote_literal(transaction_mode) using errcode = 'PD003';
  end if;
end
$$;

-- Start a run and return its id, eight hexadecimal digits. Part of the caller's
-- transaction. The steps see the caller's search_path and time zone. `input` is read as
-- `$input.name`; a second start with the same `key` returns the first one's run.
create function df.start(node text, label text default null, database text default null,
  transaction_mode text default null, input jsonb default '{}', key text default null)
returns text
language plpgsql
as $$
declare
  v_run text;
begin
  perform df.check_options(database, transaction_mode);
  insert into df.commands (verb, text1, text2, key, data, search_path, time_zone)
  values ('start', node, label, key, input, pg_catalog.current_setting('search_path'),
    pg_catalog.current_setting('TimeZone'))
  returning result into v_run;
  return v_run;
end
$$;

-- Send a signal to a run: kept until a wait of that name takes it.
create function df.signal(instance_id text, signal_name text, data text default '{}')
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1, text2)
  values ('signal', instance_id, signal_name, data)
$$;

-- Cancel a run.
create function df.cancel(instance_id text, reason text default null) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1) values ('cancel', instance_id, reason)
$$;

-- Return a run's status: pending, running, completed, failed or cancelled; null when
-- there is no such run.
create function df.status(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.status from df.instances i where i.id = instance_id $$;

-- Return a run's result as JSON text; null until it has completed.
create function df.result(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.result from df.instances i where i.id = instance_id $$;

-- Wait until a run has ended and return its status; after the timeout, the status that
-- it has. The run must have been committed. Somebody else must do the work.
create function df.await_instance(instance_id text, timeout_seconds integer default 30)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() + make_interval(secs => timeout_seconds);
  v_status text;
  v_pause double precision := 0.005;
begin
  loop
    v_status := df.status(instance_id);
    if v_status is null then
      raise exception 'there is no run %', coalesce(quote_literal(instance_id), 'null')
        using errcode = 'PD002';
    end if;
    if v_status in ('completed', 'failed', 'cancelled') or clock_timestamp() >= v_until then
      return v_status;
    end if;
    perform pg_sleep(v_pause);
    v_pause := least(v_pause * 2, 0.25);
  end loop;
end
$$;

-- Set a variable of the caller's, read as `{name}` by runs that start afterwards.
create function df.setvar(name text, value text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1, text2) values ('setvar', name, value) $$;

-- Return a variable of the caller's.
create function df.getvar(name text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1) values ('getvar', name) returning result $$;

-- Remove a variable of the caller's.
create function df.unsetvar(name text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1) values ('unsetvar', coalesce(name, '')) $$;

-- Remove all variables of the caller's.
create function df.clearvars() returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb) values ('unsetvar') $$;

-- Set the engine's settings, those that are given: the pace that df.loop keeps from round
-- to round, and how many milliseconds of short steps may share a commit (0: none).
create function df.configure(loop_pace interval default null, batch_ms integer default null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update df_engine.settings s set loop_pace = coalesce(configure.loop_pace, s.loop_pace),
    batch_ms = coalesce(configure.batch_ms, s.batch_ms)
$$;
-- 64_reports.sql
-- Reports: a graph or a run as a tree of text, and pg_durable's listing functions.

-- Return one line about a node.
create function df_engine.node_line(p_node df_engine.nodes) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.node_type(p_node.op) || coalesce(' as ' || p_node.name, '')
    || coalesce(': ' || left(regexp_replace(df_graph.node_text(p_node), '\s+', ' ', 'g'), 100), '')
$$;

-- Return a graph as an indented tree. Volatile, to see a graph that its own statement
-- has just prepared.
create function df_engine.explain_graph(p_graph integer) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  with recursive tree as (
    select node, children, 0 as depth from df_engine.nodes where graph = p_graph and node = 1
    union all
    select n.node, n.children, t.depth + 1
    from tree t join df_engine.nodes n on n.graph = p_graph and n.node = any (t.children))
  select string_agg(repeat('  ', t.depth) || t.node || ' ' || df_engine.node_line(n), E'\n'
    order by t.node)
  from tree t join df_engine.nodes n on n.graph = p_graph and n.node = t.node
$$;

-- Return a graph, or a run with the state of its nodes, as an indented tree.
create function df.explain(input text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df.instances;
  v_text text;
begin
  if explain.input !~ '^[0-9a-f]{8}$' then
    insert into df.commands (verb, text1) values ('explain', explain.input) returning result into v_text;
    return v_text;
  end if;
  select * into v_run from df.instances i where i.id = explain.input;
  if not found then
    raise exception 'there is no run %', quote_literal(explain.input) using errcode = 'PD002';
  end if;
  return concat_ws(E'\n', format('%s %s: %s', v_run.id, v_run.label, v_run.status), v_run.error,
    (select string_agg(format('%s %s %s %s', n.id, n.node_type, n.status,
        left(regexp_replace(coalesce(n.query, ''), '\s+', ' ', 'g'), 80))
        || coalesce(E'\n    ' || n.error, ''), E'\n' order by n.id::integer)
      from df.nodes n where n.instance_id = explain.input));
end
$$;

-- List runs, newest first.
create function df.list_instances(status_filter text default null, limit_count integer default 100)
returns table (instance_id text, label text, function_name text, status text,
  execution_count bigint, output text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.label, 'df'::text, i.status, 1::bigint, i.result from df.instances i
  where status_filter is null or i.status = status_filter
  order by i.created_at desc, i.id limit limit_count
$$;

-- Return one run.
create function df.instance_info(instance_id text)
returns table (instance_id text, label text, function_name text, function_version text,
  current_execution_id bigint, status text, output text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.label, 'df'::text, df.runtime_version(), 1::bigint, i.status,
    coalesce(i.result, i.error)
  from df.instances i where i.id = $1
$$;

-- Return the nodes of a run that ran.
create function df.instance_nodes(instance_id text)
returns table (node_id text, node_type text, query text, result_name text, left_node text,
  right_node text, status text, result text, updated_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select n.id, n.node_type, n.query, n.result_name, n.left_node, n.right_node, n.status,
    n.result, n.updated_at
  from df.nodes n where n.instance_id = $1 order by n.id::integer
$$;

-- Count the caller's runs by status.
create function df.metrics()
returns table (total_instances bigint, running_instances bigint, completed_instances bigint,
  failed_instances bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*), count(*) filter (where status in ('pending', 'running')),
    count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed')
  from df.instances
$$;
-- 80_perdure_schema.sql
-- Schema perdure: what compiled workflows use, the same on every target.

create schema perdure;
revoke all on schema perdure from public;

-- Deployed workflow versions. A row is written by the migration that creates the
-- version's functions, and never changed.
create table perdure.workflow_versions (
  name text not null,
  version integer not null check (version > 0),
  digest text not null,
  signature text not null,
  source text not null,
  source_map jsonb not null,
  compiler_version text not null,
  target text not null,
  deployed_at timestamptz not null default clock_timestamp(),
  deployed_by text not null default current_user,
  primary key (name, version)
);

-- Return true if a step gave the number of rows that it was declared to give: `one`, or
-- `maybe` for none or one; raise PD010 otherwise. Volatile, so that it is never skipped.
create function perdure.expect(row_count bigint, expected text, step text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if expected not in ('one', 'maybe') then
    raise exception 'perdure.expect: % is not a number of rows', quote_literal(expected)
      using errcode = 'PD003';
  elsif row_count > 1 or row_count < 1 and expected = 'one' or row_count is null then
    raise exception 'step "%" gave % rows, expected %', step, coalesce(row_count::text, 'null'),
      case expected when 'one' then 'exactly one' else 'one at most' end
      using errcode = 'PD010';
  end if;
  return true;
end
$$;

-- Raise PD011: the workflow's `fail`.
create function perdure.fail(message text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '%', coalesce(message, 'the workflow failed') using errcode = 'PD011';
end
$$;

-- Return true, or raise PD012 unless the condition holds; null does not.
create function perdure.assert(ok boolean, message text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if ok is not true then
    raise exception '%', coalesce(message, 'assertion failed') using errcode = 'PD012';
  end if;
  return true;
end
$$;

-- Return text percent-encoded for any part of a URL: all but unreserved characters.
create function perdure.url_encode(value text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(case when c ~ '^[A-Za-z0-9_.~-]$' then c
    else regexp_replace(upper(encode(convert_to(c, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end, ''
    order by i)
  from regexp_split_to_table(value, '') with ordinality s (c, i)
$$;
-- 81_perdure_values.sql
-- Values in compiled SQL: JSON that may not be any, and literals of inputs.

-- Return text as JSON, null when it is not JSON (or holds what jsonb cannot, like a
-- NUL); an answer over HTTP may be anything.
create function perdure.parse_json(p_text text) returns jsonb
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_text::jsonb;
exception when data_exception or program_limit_exceeded then
  return null;
end
$$;

-- Return a SQL constant of a text that no one can read as code, as a reference or as a
-- variable: it contains no dollar sign, no brace and no quote of the text's own. Short
-- texts of harmless characters are quoted, all others are the hex of their UTF-8 form.
create function perdure.literal(p_text text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_text is null then 'null'
    when p_text ~ '^[0-9A-Za-z_ .:+-]{0,64}$' then '''' || p_text || ''''
    else 'convert_from(decode(''' || encode(convert_to(p_text, 'UTF8'), 'hex')
      || ''', ''hex''), ''UTF8'')'
  end
$$;

-- Return true, or raise PD013 unless the data of a signal has the form that the workflow
-- declares. `p_shape` is a type's name, an object of shapes by member, or a list of one
-- shape; `{"?": shape}` is one that may be null. A wait that timed out has no data.
create function perdure.check_signal(p_signal jsonb, p_shape jsonb) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wrong text;
begin
  if p_signal -> 'timed_out' = 'true' then
    return true;
  end if;
  v_wrong := perdure.misfit(p_signal -> 'data', p_shape, 'data');
  if v_wrong is not null then
    raise exception 'signal %: %', to_json(p_signal ->> 'signal_name'), v_wrong
      using errcode = 'PD013', detail = format('The signal carried %s.', p_signal -> 'data');
  end if;
  return true;
end
$$;

-- Return how a value does not fit a shape, null when it does; `p_place` names it.
create function perdure.misfit(p_value jsonb, p_shape jsonb, p_place text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_null boolean := coalesce(p_value, 'null') = 'null';
begin
  if p_shape ? '?' and jsonb_typeof(p_shape) = 'object' then
    return case when not v_null then perdure.misfit(p_value, p_shape -> '?', p_place) end;
  elsif v_null then
    return format('%s is missing or null', p_place);
  end if;
  case jsonb_typeof(p_shape)
    when 'object' then
      if jsonb_typeof(p_value) <> 'object' then
        return format('%s is %s, expected an object', p_place, p_value);
      end if;
      return (select string_agg(wrong, '; ') from (
        select perdure.misfit(p_value -> s.key, s.value, p_place || '.' || s.key) as wrong
        from jsonb_each(p_shape) s order by s.key) as members);
    when 'array' then
      if jsonb_typeof(p_value) <> 'array' then
        return format('%s is %s, expected a list', p_place, p_value);
      end if;
      return (select string_agg(wrong, '; ') from (
        select perdure.misfit(i.item, p_shape -> 0, format('%s[%s]', p_place, i.n - 1)) as wrong
        from jsonb_array_elements(p_value) with ordinality as i (item, n)) as items);
    else
      return perdure.misfit_type(p_value, p_shape #>> '{}', p_place);
  end case;
end
$$;

-- Return how a value cannot be read as a type, null when it can.
create function perdure.misfit_type(p_value jsonb, p_type text, p_place text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_type in ('json', 'jsonb') then
    return null;
  elsif jsonb_typeof(p_value) = 'array' and p_type like '%[]' then
    execute format('select t.v from jsonb_to_record(%L) as t (v %s)',
      jsonb_build_object('v', p_value), p_type);
    return null;
  elsif jsonb_typeof(p_value) in ('object', 'array') then
    return format('%s is %s, expected %s', p_place, p_value, p_type);
  end if;
  execute format('select cast(%L as %s)', p_value #>> '{}', p_type);
  return null;
exception when data_exception or undefined_object or integrity_constraint_violation then
  return format('%s is %s, expected %s', p_place, p_value, p_type);
end
$$;
-- 90_privileges.sql
-- Privileges: nothing to PUBLIC, and an executor for the role that installs, so that the
-- owner can start runs at once. Everybody else is let in by df.grant_usage().

revoke all on all functions in schema df, df_engine, df_graph, df_exec, perdure from public;
revoke all on all procedures in schema df from public;
revoke all on all tables in schema df, df_engine, perdure from public;

select df.grant_usage(current_user, include_http => true);

comment on schema df is 'Perdure runtime 0.1.0 34c2f9cab399c5a7';

commit;
