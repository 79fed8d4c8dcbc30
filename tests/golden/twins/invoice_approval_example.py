from decimal import Decimal
from typing import Any

from perdure import Failure, branch, race, sql, until, wait_for_signal, workflow


@workflow
def invoice_approval(invoice_id: int) -> Any:
    """Review an invoice until it is approved or withdrawn. A rejected one goes back to
    the vendor and is reviewed again; a reviewer who does not answer is passed over.
    """
    reviewer = "team lead"
    rounds = 0
    while True:
        rounds = rounds + 1
        invoice = sql(
            """\
update finance.invoices set status = 'in_review' where id = :invoice_id
returning vendor, amount, revision
""",
            expect="one",
        )
        review = wait_for_signal(
            "review",
            payload={"approved": bool, "by": str, "note": str | None},
            timeout="2d",
        )
        if review.timed_out:
            sql(
                """\
insert into finance.review_log (invoice_id, reviewer, decision)
values (:invoice_id, :reviewer, 'escalated')
""",
            )
            reviewer = "head of finance"
            continue
        sql(
            """\
insert into finance.review_log (invoice_id, reviewer, decision, note)
values (:invoice_id, :review.data.by,
        case when :review.data.approved then 'approved' else 'rejected' end,
        :review.data.note)
""",
        )
        if review.data.approved:
            sql(
                "update finance.invoices set status = 'approved' where id = :invoice_id",
            )
            return {"status": "approved", "by": review.data.by, "rounds": rounds}
        sql("update finance.invoices set status = 'rejected' where id = :invoice_id")
        with race() as answer:
            with branch("corrected"):
                correction = wait_for_signal(
                    "corrected",
                    payload={"amount": Decimal},
                    timeout="4w2d",
                )
            with branch("withdrawn"):
                wait_for_signal("withdrawn", timeout="4w2d")
        if answer.winner == "withdrawn" or correction.timed_out is not False:
            sql(
                "update finance.invoices set status = 'withdrawn' where id = :invoice_id",
            )
            return {"status": "withdrawn", "rounds": rounds}
        sql(
            """\
update finance.invoices
   set amount = :correction.data.amount, revision = revision + 1
 where id = :invoice_id
""",
        )
        until(rounds >= 10)
    raise Failure(f"invoice {invoice_id} was reviewed ten times without a decision")
