-- written by perdure: order_approval, version 1: back to the version before it, if there is one
-- Compiled from workflows/order_approval.yaml; to change it, change that file and compile again.
-- Digest of what was compiled: 11c9a892ae0f99f85b4d66d9d0ea13a6f9928f56b5277abfd278b8215047d279

set local lock_timeout = '5s';

set local statement_timeout = '60s';

delete from perdure.workflow_versions
where name = 'order_approval' and version = 1;

-- squawk-ignore ban-drop-function
drop function workflows.order_approval(bigint, numeric, text);

select perdure.refuse_runs('order_approval', array[1]);

-- squawk-ignore ban-drop-function
drop function workflows.order_approval_v1(bigint, numeric, text);
