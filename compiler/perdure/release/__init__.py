"""Releases: the lock, the migrations that have to be written, and what changed."""

from perdure.release.diff import Diff, StepDiff, WorkflowDiff, diff
from perdure.release.lock import Entry, Lock, read_lock, text_digest, write_lock
from perdure.release.plan import Candidate, Release, plan_release
from perdure.release.render import diff_json, diff_markdown, diff_text
from perdure.release.sources import registered_source

__all__ = [
    "Candidate",
    "Diff",
    "Entry",
    "Lock",
    "Release",
    "StepDiff",
    "WorkflowDiff",
    "diff",
    "diff_json",
    "diff_markdown",
    "diff_text",
    "plan_release",
    "read_lock",
    "registered_source",
    "text_digest",
    "write_lock",
]
