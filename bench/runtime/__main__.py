"""Measure the runtime beside the floor and its peers, on one server, in one run.

    python -m bench.runtime [--quick | --full] [--scale 0.2]
        [--peers dbos,absurd,duroxide | none]
        [--only throughput,signal] [--output DIR]

Writes results.json, results.md and plots (with matplotlib) to the output folder, and
prints the tables. README.md beside this folder says what the figures mean.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import psycopg
from bench.runtime.driver import Driver
from bench.runtime.meter import Meter
from bench.runtime.plots import draw
from bench.runtime.questions import (
    FULL,
    QUICK,
    Question,
    Sizes,
    floor_questions,
    idle_question,
    our_questions,
    peer_questions,
    scaled,
)
from bench.runtime.report import report
from bench.runtime.results import Results
from bench.runtime.server import cluster, database, without_autovacuum
from bench.runtime.venvs import PACKAGES, cache_folder, peer_python, versions

HERE = Path(__file__).resolve().parent
PYTHON = Path(sys.executable)
OURS = "bench.runtime.drivers.perdure"
FLOOR = "bench.runtime.drivers.floor"


class Bench:
    """One run: a server, a meter, a folder for what comes out."""

    def __init__(self, url: str, sizes: Sizes, folder: Path, only: set[str]) -> None:
        self.results = Results()
        self.sizes = sizes
        self._url = url
        self._only = only
        self._log = folder / "drivers.log"
        self._log.unlink(missing_ok=True)
        self._meter = Meter(url)

    def close(self) -> None:
        self._meter.close()

    def beside_the_floor(self) -> None:
        """Ask the floor and ours in turn, so that a slow minute hits both."""
        floor = {question.name: question for question in floor_questions(self.sizes)}
        ours = {question.name: question for question in our_questions(self.sizes)}
        with ExitStack() as stack:
            drivers = {
                "floor": self._driver(stack, "floor", FLOOR),
                "perdure": self._driver(stack, "perdure", OURS),
            }
            for names in self._groups(floor, ours):
                for _ in range(self.sizes.repetitions):
                    for subject, name in names:
                        question = (floor if subject == "floor" else ours)[name]
                        self._ask(drivers[subject], subject, question)

    def peer(self, peer: str) -> None:
        """Ask a peer; one that cannot be installed is reported."""
        try:
            python = peer_python(peer, cache_folder())
        except RuntimeError as error:
            self.results.add(peer, "all", {"error": f"not installed: {error}"})
            return
        self.results.about[peer] = versions(python, peer)
        with ExitStack() as stack:
            module = f"bench.runtime.peers.{peer}"
            driver = self._driver(stack, peer, module, python)
            for question in peer_questions(self.sizes):
                if not self._ask(driver, peer, question, timeout=180):
                    driver = self._driver(stack, peer, module, python)

    def idle(self) -> None:
        with ExitStack() as stack:
            driver = self._driver(stack, "perdure", OURS)
            self._ask(driver, "perdure", idle_question(self.sizes))

    def horizon(self) -> None:
        values = {"runs": 300, "rounds": self.sizes.horizon_rounds}
        with ExitStack() as stack:
            driver = self._driver(stack, "perdure", OURS)
            self._ask(driver, "perdure", Question("horizon", "horizon", values))

    def growth(self) -> None:
        """Compare a database with many runs with one that has none."""
        sizes = self.sizes
        fill = {"finished": sizes.grown_finished, "waiting": sizes.grown_waiting}
        values = {"runs": sizes.runs, "steps": 10, "connections": 2, "keep": True}
        with ExitStack() as stack:
            grown = self._driver(stack, "grown", OURS)
            empty = self._driver(stack, "empty", OURS)
            self._ask(grown, "perdure, grown", Question("fill", "fill", fill), 3600)
            pair = [(empty, "empty"), (grown, "grown")]
            for _ in range(2 * sizes.repetitions):
                pair.reverse()
                for driver, name in pair:
                    question = Question("throughput", "throughput", values)
                    self._ask(driver, f"perdure, {name}", question)

    def _groups(
        self, floor: Iterable[str], ours: Iterable[str]
    ) -> list[list[tuple[str, str]]]:
        """Return the questions that are asked in turn: same name, same connections."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for subject, names in (("floor", floor), ("perdure", ours)):
            for name in names:
                key = (
                    name.split()[0] + name.split()[-1] if "throughput" in name else name
                )
                groups.setdefault(key, []).append((subject, name))
        return list(groups.values())

    def _driver(
        self, stack: ExitStack, name: str, module: str, python: Path = PYTHON
    ) -> Driver:
        url = stack.enter_context(database(self._url, name))
        return stack.enter_context(Driver(python, module, url, self._meter, self._log))

    def _ask(
        self, driver: Driver, subject: str, question: Question, timeout: float = 600
    ) -> bool:
        """Ask and note the answer; return whether the driver lives on."""
        if (
            self._only
            and subject in ("floor", "perdure", *PACKAGES)
            and (question.op not in self._only)
        ):
            return True
        print(f"{subject}: {question.name}", file=sys.stderr, flush=True)
        with ExitStack() as stack:
            if question.op == "idle":
                stack.enter_context(without_autovacuum(self._url))
            answer = driver.ask(question.op, timeout, **question.values)
        if "skipped" not in answer:
            self.results.add(subject, question.name, answer)
        return "the driver ended" not in str(answer.get("error", ""))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.runtime", description=(__doc__ or "").split("\n")[0]
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="tiny sizes, to try it")
    size.add_argument("--full", action="store_true", help="1,000,000 runs for growth")
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts")
    parser.add_argument("--peers", default=",".join(PACKAGES), help="or: none")
    parser.add_argument("--only", default="", help="operations, separated by commas")
    parser.add_argument("--output", type=Path, default=HERE.parent / "results")
    parser.add_argument("--bin-dir", type=Path, help="programs of another PostgreSQL")
    return parser.parse_args()


def main() -> None:
    given = options()
    sizes = QUICK if given.quick else FULL if given.full else Sizes()
    sizes = scaled(sizes, given.scale)
    only = {name for name in given.only.split(",") if name}
    given.output.mkdir(parents=True, exist_ok=True)
    with cluster(given.bin_dir) as url:
        bench = Bench(url, sizes, given.output, only)
        bench.results.about.update(about(url))
        parts = {
            "beside_the_floor": bench.beside_the_floor,
            "horizon": bench.horizon,
            "idle": bench.idle,
            "growth": bench.growth,
        }
        for name, part in parts.items():
            if name == "beside_the_floor" or not only or name in only:
                part()
                bench.results.save(given.output / "results.json")
        for peer in given.peers.split(","):
            if peer != "none":
                bench.peer(peer)
                bench.results.save(given.output / "results.json")
        bench.close()
    write(bench.results, sizes, given.output)


def about(url: str) -> dict[str, str]:
    with psycopg.connect(url) as connection:
        row = connection.execute("show server_version").fetchone()
    import os

    return {
        "PostgreSQL": str(row and row[0]) + ", fsync and synchronous_commit on",
        "machine": f"{os.cpu_count()} cores, {platform.system()}",
    }


def write(results: Results, sizes: Sizes, folder: Path) -> None:
    results.save(folder / "results.json")
    text = report(results, sizes)
    (folder / "results.md").write_text(text)
    print(text)
    for path in draw(results, sizes, folder):
        print(f"plot: {path.name}")


if __name__ == "__main__":
    main()
