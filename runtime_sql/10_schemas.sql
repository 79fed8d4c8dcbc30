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
-- no task, so the order has no cycle. A run's instance row comes before those of the runs
-- that it has called.
--
-- Errors. SQLSTATE class PD is ours:
--   PD001 invalid graph                 PD010 expectation about a row count not met
--   PD002 no such run, or not visible   PD011 perdure.fail
--   PD003 invalid argument              PD012 perdure.assert
--   PD004 reference cannot be resolved  PD020 HTTP status 5xx
--   PD005 role has no executor          PD021 HTTP transport error or another failure
--   PD006 break or continue outside     PD022 HTTP request refused by the address guard
--         of a loop                     PD023 HTTP response too large
--   PD013 signal of another form than the workflow declares, or that jsonb cannot hold
--   PD024 HTTP status not expected      PD025 HTTP response of another form than declared
--   PD026 secret without a value, or one that cannot be used
--   PD031 timed out                     PD032 called run was cancelled
--   PD030 step ended its session, again and again
--   PD033 the worker cannot log in as the role of a statement that was handed over
--   PD034 a migration does not fit what the database has, or the runs that it has
--   PD035 a run cannot be moved to a graph

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
as $$ select '0.2.0' $$;
