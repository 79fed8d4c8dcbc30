from typing import Any

from perdure import Failure, collect, foreach, sql, wait_for_signal, workflow


@workflow
def sign_contract(contract_id: int) -> Any:
    """All parties must sign, in any order; one refusal, or two weeks, ends it."""
    parties = sql(
        "select name from legal.parties where contract_id = :contract_id order by name",
    )
    sql(
        "update legal.contracts set status = 'out for signature' where id = :contract_id",
    )
    try:
        for party in foreach(parties, max_parallel=100):
            # Each waits for the next answer, whoever it comes from.
            answer = wait_for_signal(
                "signature",
                payload={"party": str, "signs": bool},
                timeout="2w",
            )
            if answer.timed_out:
                raise Failure("nobody answered in two weeks")
            if not answer.data.signs:
                raise Failure(f"{answer.data.party} refuses")
            noted = sql(
                """\
update legal.parties set signed_at = now()
 where contract_id = :contract_id and name = :answer.data.party
   and signed_at is null
""",
            )
            assert noted.rows_affected == 1, (
                f"{answer.data.party} is no party, or has signed already"
            )
            signed = collect(party=answer.data.party)
    except Failure as err:
        sql("update legal.contracts set status = 'void' where id = :contract_id")
        return {"status": "void", "because": err.message}
    sql("update legal.contracts set status = 'signed' where id = :contract_id")
    names = sql("select array_agg(s.party order by s.party) as all from :signed.* s")
    return {"status": "signed", "by": names.all}
