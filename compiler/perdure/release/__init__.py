"""Releases: the lock, the migrations that have to be written, and what changed."""

from perdure.release.classify import Point
from perdure.release.diff import Diff, Standing, StepDiff, WorkflowDiff, compare
from perdure.release.inflight import Affected, InFlight, Waiting, affected
from perdure.release.intact import place_of, unsound
from perdure.release.interface import calls_of
from perdure.release.lock import Change, Entry, Lock, text_digest, write_lock
from perdure.release.plan import Candidate, Release, plan_release, version_of
from perdure.release.reading import read_lock
from perdure.release.render import render_json, render_markdown, render_text
from perdure.release.render_html import render_html
from perdure.release.sources import registered_sources

__all__ = [
    "Affected",
    "Candidate",
    "Change",
    "Diff",
    "Entry",
    "InFlight",
    "Lock",
    "Point",
    "Release",
    "Standing",
    "StepDiff",
    "Waiting",
    "WorkflowDiff",
    "affected",
    "calls_of",
    "compare",
    "place_of",
    "plan_release",
    "read_lock",
    "registered_sources",
    "render_html",
    "render_json",
    "render_markdown",
    "render_text",
    "text_digest",
    "unsound",
    "version_of",
    "write_lock",
]
