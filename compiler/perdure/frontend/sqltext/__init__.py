"""SQL text: cut into tokens, references found, the outline of the statement read."""

from perdure.frontend.sqltext.lexer import lex
from perdure.frontend.sqltext.reader import read_sql

__all__ = ["lex", "read_sql"]
