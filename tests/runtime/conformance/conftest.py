"""A database with the runtime, and with leaves that report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.conformance.drive import SETUP
from tests.runtime.engine.conftest import db as engine_db
from tests.runtime.engine.conftest import roles, template, url
from tests.runtime.engine.db import Db

__all__ = ["engine_db", "roles", "template", "url"]
