-- written by perdure: greet, change 1, taken back: back to version 1
-- Digest of the change: e20f692e2cc15eff0d2dce2d3cb6c1c08f02f4d355915de3fb293af79cd9f377

set local lock_timeout = '5s';

set local statement_timeout = '60s';

create or replace function workflows.greet()
returns text
language sql
volatile
as $current$
  select workflows.greet_v2()
$current$;

comment on function workflows.greet() is 'Starts a run of greet, version 2';

delete from perdure.workflow_changes
where workflow = 'greet' and number = 1;
