"""What the grammar allows and the language does not."""

from __future__ import annotations


class Refused(Exception):
    """Raised while the tree is built, turned into a diagnostic at the entry."""

    def __init__(
        self,
        start: int,
        end: int,
        message: str,
        help: str | None = None,
        code: str = "WF140",
    ) -> None:
        super().__init__(message)
        self.start, self.end = start, end
        self.message, self.help, self.code = message, help, code
