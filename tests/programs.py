"""The PostgreSQL that servers of tests run from: the embedded one, or another.

`PERDURE_TEST_BIN_DIR` names the folder of the programs `initdb`, `pg_ctl` and
`postgres` of another version.
"""

from __future__ import annotations

import os
from pathlib import Path

BIN_DIR = Path(given) if (given := os.environ.get("PERDURE_TEST_BIN_DIR")) else None
