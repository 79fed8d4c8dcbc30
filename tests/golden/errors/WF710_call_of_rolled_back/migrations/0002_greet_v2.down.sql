-- written by perdure: greet, version 2: back to the version before it, if there is one
-- Compiled from workflows/greet.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: e0665a5519d80759d784c81da524962ff05ed3214fbe3c2fcb49b4b6911bab5f

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create or replace function workflows.greet()
returns text
language sql
volatile
as $current$
  select workflows.greet_v1()
$current$;

comment on function workflows.greet() is 'Starts a run of greet, version 1';

select perdure.refuse_runs('greet', array[2]);

-- squawk-ignore ban-drop-function
drop function workflows.greet_v2();

delete from perdure.workflow_versions
where name = 'greet' and version = 2;
