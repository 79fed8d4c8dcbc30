"""7xx: releases."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF701",
        slug="edited-migration",
        summary="a migration was edited after it was written",
        what="The text of a migration no longer has the digest that the lock keeps "
        "of it.",
        why="A version is immutable: databases that already have it keep the old text, "
        "new ones would get another under the same number.",
        wrong="# 0003_order_approval_v2.up.sql, changed in an editor",
        right="# workflows/order_approval.yaml, changed; perdure compile writes v3",
    ),
    Code(
        code="WF702",
        slug="missing-migration",
        summary="a migration that the lock names is gone",
        what="The lock has a version whose files are not in the migrations folder.",
        why="A new database could not be brought to the state of the others.",
        wrong="# rm migrations/0003_order_approval_v2.up.sql",
        right="# git checkout migrations/0003_order_approval_v2.up.sql",
    ),
    Code(
        code="WF703",
        slug="workflow-gone",
        summary="a workflow of the lock is no longer in the sources",
        what="No file defines a workflow that has versions. Its versions and the "
        "function that starts it are left as they are. `perdure retire` writes a "
        "migration that takes them out of the database, once no run is on them.",
        why="Runs of it may be in flight, and what calls it is not known here; "
        "dropping it is a decision.",
        wrong="# workflows/order_approval.yaml was deleted",
        right="# perdure retire order_approval",
    ),
    Code(
        code="WF704",
        slug="unreadable-lock",
        summary="the lock can't be read",
        what="`workflows.lock` is not what `perdure compile` writes: it was edited, or "
        "has the marks of an unresolved merge. Of a merge one side is kept, the whole "
        "file; the message says what of the other one compiling does not make again, "
        "and the commands that do.",
        why="Version numbers are counted in it; a guess could give one number to two "
        "versions.",
        wrong="<<<<<<< HEAD\n[workflows.order_approval.3]",
        right="[workflows.order_approval.3]",
    ),
    Code(
        code="WF705",
        slug="migration-number-taken",
        summary="two migrations have the same number",
        what="Two branches each added a migration, and both took the next number.",
        why="Tools run migrations in the order of their numbers; some refuse two of "
        "the same, others run them in an order of their own.",
        wrong="# 0007_order_approval_v3.up.sql, 0007_refund_v1.up.sql",
        right="# 0007_order_approval_v3.up.sql, 0008_refund_v1.up.sql",
    ),
    Code(
        code="WF706",
        slug="unlocked-migration",
        summary="a migration installs a version that the lock does not know",
        what="The folder of migrations holds a version that `perdure compile` wrote, "
        "and `workflows.lock` has no entry for it: the lock was lost, or comes from "
        "another branch. What is deployed nowhere may be deleted, and made again by "
        "the commands that are named.",
        why="The next version would get a number that is taken.",
        wrong="# workflows.lock is missing, migrations/0001_w_v1.up.sql is there",
        right="# git checkout HEAD -- workflows.lock",
    ),
    Code(
        code="WF707",
        slug="unusable-migrations",
        summary="the migration tool's own files allow no further migration",
        what="The layout's tool keeps files of its own, such as the plan of Sqitch or "
        "the chain of revisions of Alembic, and a new migration has no place in them; "
        "or they say another thing than the lock.",
        why="A migration that the tool does not run, or runs at another place, would "
        "look deployed and not be.",
        wrong="# alembic heads prints two heads",
        right="# alembic merge heads",
    ),
    Code(
        code="WF708",
        slug="misfit-history",
        summary="a version or a change was made for another state than it stands in",
        what="Two branches changed the workflow, one by a new version, the other by "
        "`perdure rollback` or `perdure retire`, and both are in the lock now. One of "
        "them was made while another version was current than the one before it is. Or "
        "one retires a version that the other starts, and stands after it.",
        why="Its way back would lead to a version that was not there before it, and "
        "the tools would put another version in force than either branch meant. A "
        "retirement would be refused, and what comes after it would wait for ever.",
        wrong="# main: perdure rollback order_approval; a branch: version 4 of it",
        right="# on the branch: delete version 4's migration and its table in the\n"
        "# lock, merge, and perdure compile makes it again",
    ),
    Code(
        code="WF709",
        slug="rolled-back",
        summary="the sources are those of a version that was rolled back",
        what="`perdure rollback` put an older version in force, and the sources are "
        "still those of the newer one. Nothing is compiled: that version exists, and "
        "is not retired as long as the sources are its own.",
        why="The repo says one thing and runs start with another, until the sources "
        "are mended or taken back.",
        wrong="# perdure rollback order_approval, and the file stays as it is",
        right="# git revert the change, or mend it: perdure compile makes version 4",
    ),
    Code(
        code="WF710",
        slug="call-of-rolled-back",
        summary="a workflow is compiled with steps or types that were rolled back",
        what="A workflow that gets a new version calls another one, or takes its steps "
        "in, and the sources of that one are those of a version that was rolled back.",
        why="The caller is checked against the sources, and would start the version "
        "that is current, which may have other inputs and another result; or it would "
        "bring back the steps that were rolled back.",
        wrong="# perdure rollback ship, ship.yaml stays as it is;\n"
        "# order.yaml, which calls ship, is changed and compiled",
        right="# git revert the change of ship.yaml, or mend it; then perdure compile",
    ),
    Code(
        code="WF711",
        slug="mixed-layouts",
        summary="the migration tool would misread migrations of the layout before",
        what="The project has another `layout` since some of its migrations were "
        "written, and the tool of the new one takes their files for its own: it would "
        "run what leads down, or refuse the folder.",
        why="Supabase and Atlas run every `.sql` file from its first line to its last. "
        "A version would be removed right after it was installed.",
        wrong='# layout = "supabase", and migrations/0001_w_v1.down.sql is there',
        right="# mkdir migrations/plain\n"
        "# git mv migrations/0001_w_v1.*.sql migrations/plain/",
    ),
)
