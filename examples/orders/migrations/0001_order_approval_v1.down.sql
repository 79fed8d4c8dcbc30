-- written by perdure: order_approval, version 1: back to the version before it, if there is one
-- Compiled from workflows/order_approval.yaml; to change it, change that file and compile again.

drop function workflows.order_approval(bigint, numeric, text);

drop function workflows.order_approval_v1(bigint, numeric, text);

delete from perdure.workflow_versions
where name = 'order_approval' and version = 1;
