"""The static side: what follows from the text of a statement and the tables alone.

sqlglot reads the statement. All that is concluded is on the safe side: a column is
nullable and a statement may return many rows until the contrary is proved, and a
construct that is not understood proves nothing. Types come from PostgreSQL only;
where a conclusion depends on a type (`plain` in `scope`), it is the declared type of
a column or of a cast, and decides about caution only.
"""

from perdure.catalog.analysis.statement import Analysis, analyse

__all__ = ["Analysis", "analyse"]
