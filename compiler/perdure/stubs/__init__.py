"""Exact types, for editors, of what a project's SQL statements return.

A type checker can't ask PostgreSQL, so `sql(...)` returns a row with any column. The
compiler knows better: it writes a stub of the package `perdure` in which `sql` has an
overload for the text of each statement. Checkers prefer it to the installed package
(pyright looks into `typings` by itself, mypy where `mypy_path` says), and workflows
stay as they are. The rejected way, a module of the project that is imported instead of
perdure, needs other imports in workflows, and one more file that must never be missing.
"""

from perdure.stubs.statements import Statement, statements
from perdure.stubs.write import stub

__all__ = ["Statement", "statements", "stub"]
