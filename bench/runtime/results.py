"""The figures of a run: kept as they came, read as medians."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


class Results:
    """Answers by subject and question; a question may have been asked repeatedly."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, list[Figures]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self.about: dict[str, Any] = {}

    def add(self, subject: str, question: str, figures: Figures) -> None:
        self.answers[subject][question].append(figures)

    def value(self, subject: str, question: str, figure: str) -> float | None:
        """Return the median of a figure, or None when it was not measured."""
        found = [
            float(answer[figure])
            for answer in self.answers.get(subject, {}).get(question, [])
            if isinstance(answer.get(figure), int | float)
        ]
        return statistics.median(found) if found else None

    def ratio(
        self, question: str, figure: str, subject: str, other: str, of: str = ""
    ) -> float | None:
        """Return the median of the ratios, repetition by repetition.

        `of` is the other's question, if it has another name. What was asked in turn is
        compared with its neighbour, so that a slow minute of the machine hits both.
        """
        ours = self.answers.get(subject, {}).get(question, [])
        theirs = self.answers.get(other, {}).get(of or question, [])
        found = [
            a[figure] / b[figure]
            for a, b in zip(ours, theirs, strict=False)
            if a.get(figure) is not None and b.get(figure)
        ]
        return statistics.median(found) if found else None

    def errors(self) -> list[str]:
        return [
            f"{subject}, {question}: {answer['error']}"
            for subject, questions in self.answers.items()
            for question, answers in questions.items()
            for answer in answers
            if "error" in answer
        ]

    def save(self, path: Path) -> None:
        data = {"about": self.about, "answers": self.answers}
        path.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
