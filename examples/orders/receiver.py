"""A stand-in for the chat that the workflow notifies: prints each body it is sent.

`python receiver.py [PORT]` listens on 127.0.0.1, port 8765 by default, until Ctrl-C.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Answers every POST with 204 and prints what came."""

    def do_POST(self) -> None:
        """Take one notification."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        print(f"POST {self.path} {body.decode(errors='replace')}", flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing else."""


def main() -> None:
    """Serve until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
