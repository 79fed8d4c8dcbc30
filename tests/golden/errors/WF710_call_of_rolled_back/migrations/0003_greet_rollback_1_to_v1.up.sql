-- written by perdure: greet, change 1: back to version 1
-- Digest of the change: e20f692e2cc15eff0d2dce2d3cb6c1c08f02f4d355915de3fb293af79cd9f377

set local lock_timeout = '5s';

set local statement_timeout = '60s';

select perdure.require_versions('greet', array[2, 1]);

create or replace function workflows.greet()
returns text
language sql
volatile
as $current$
  select workflows.greet_v1()
$current$;

comment on function workflows.greet() is 'Starts a run of greet, version 1';

insert into perdure.workflow_changes (workflow, number, kind, version, digest)
values ('greet', 1, 'rollback', 1, 'e20f692e2cc15eff0d2dce2d3cb6c1c08f02f4d355915de3fb293af79cd9f377');
