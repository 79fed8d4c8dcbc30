from decimal import Decimal
from typing import Any

from perdure import Retry, collect, foreach, http, sql, workflow


@workflow(concurrency=2)
def embed_document(document_id: int, service: str = "http://127.0.0.1:8765") -> Any:
    """Cut a document into sentences, embed them through a service, five at a time at
    most, and store the vectors. Whatever is repeated stores nothing twice.
    """
    sentences = sql(
        """\
select number::integer as number, text
  from kb.documents d,
       regexp_split_to_table(d.body, '\\.\\s*') with ordinality s (text, number)
 where d.id = :document_id and text <> ''
 order by number
""",
    )
    for sentence in foreach(sentences, max_parallel=5):
        answer = http.post(
            f"{service}/embeddings",
            json={"text": sentence.text},
            returns={"embedding": [Decimal]},
            expect_status=200,
            timeout="20s",
            retry=Retry(max_attempts=6, backoff="2s", max_backoff="1m"),
        )
        sql(
            """\
insert into kb.chunks (document_id, number, text, embedding)
values (:document_id, :sentence.number, :sentence.text,
        (:answer.json.embedding)::text::vector)
on conflict (document_id, number)
do update set text = excluded.text, embedding = excluded.embedding
""",
        )
        embedded = collect(number=sentence.number)
    count = sql("select count(*) as chunks from :embedded.* e")
    sql("update kb.documents set embedded_at = now() where id = :document_id")
    return {"chunks": count.chunks}
