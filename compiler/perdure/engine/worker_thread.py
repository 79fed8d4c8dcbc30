"""A worker inside another command, for as long as the command runs."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from perdure.engine.worker import Options, Worker
from perdure.engine.worker_log import Log


class BackgroundWorker:
    """A context: a worker runs in a thread inside it, and stops cleanly at its end."""

    def __init__(self, options: Options, log: Log) -> None:
        self._options = options
        self._log = log
        self._worker: Worker | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="perdure worker")

    def __enter__(self) -> BackgroundWorker:
        """Start the worker."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the worker and wait for it; a second Ctrl-C gives up its steps."""
        if self._worker is not None:
            self._worker.stop()
        try:
            self._thread.join()
        except KeyboardInterrupt:
            if self._worker is not None:
                self._worker.stop()
            self._thread.join()

    def check(self) -> None:
        """Raise what ended the worker, if something did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # handed to the thread that asks
            self._failure = error
        finally:
            self._ready.set()

    async def _work(self) -> None:
        self._worker = Worker(self._options, self._log)
        self._ready.set()
        await self._worker.run()
