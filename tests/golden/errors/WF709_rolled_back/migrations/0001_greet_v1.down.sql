-- written by perdure: greet, version 1: back to the version before it, if there is one
-- Compiled from workflows/greet.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 1fa3e9d5c0b23badaf47f1f487fed38c94fbf2b63a98d6b3cbc5edf657df88ab

set local lock_timeout = '5s';

set local statement_timeout = '60s';

-- squawk-ignore ban-drop-function
drop function workflows.greet();

-- squawk-ignore ban-drop-function
drop function workflows.greet_v1();

delete from perdure.workflow_versions
where name = 'greet' and version = 1;
