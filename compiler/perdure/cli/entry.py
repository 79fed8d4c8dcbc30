"""The entry point: quiet when it is interrupted, even while it still loads."""

from __future__ import annotations

import io
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # marks such as a tick are no reason
            stream.reconfigure(errors="replace")  # to fail where ASCII is all there is
    try:
        from perdure.cli.main import run_app

        run_app()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        sys.exit(INTERRUPTED)
