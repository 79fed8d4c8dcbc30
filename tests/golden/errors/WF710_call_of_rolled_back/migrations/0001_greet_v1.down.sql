-- written by perdure: greet, version 1: back to the version before it, if there is one
-- Compiled from workflows/greet.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: e1bafb1e43b15f6943eecd21d9ca3db53cfd7f0017b1ff7cddbaa7b0c39230fa

set local lock_timeout = '5s';

set local statement_timeout = '60s';

-- squawk-ignore ban-drop-function
drop function workflows.greet();

select perdure.refuse_runs('greet', array[1]);

-- squawk-ignore ban-drop-function
drop function workflows.greet_v1();

delete from perdure.workflow_versions
where name = 'greet' and version = 1;
