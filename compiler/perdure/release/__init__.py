"""Releases: the lock, the migrations that have to be written, and what changed."""

from perdure.release.diff import Diff, StepDiff, WorkflowDiff, compare
from perdure.release.lock import Entry, Lock, read_lock, text_digest, write_lock
from perdure.release.plan import Candidate, Release, plan_release
from perdure.release.render import render_json, render_markdown, render_text
from perdure.release.sources import registered_sources

__all__ = [
    "Candidate",
    "Diff",
    "Entry",
    "Lock",
    "Release",
    "StepDiff",
    "WorkflowDiff",
    "compare",
    "plan_release",
    "read_lock",
    "registered_sources",
    "render_json",
    "render_markdown",
    "render_text",
    "text_digest",
    "write_lock",
]
