"""Write the files that are generated from the tables of the language.

Run as `python -m perdure.frontend.yaml [checkout]`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from perdure.frontend.yaml import reference, schema


def main(root: Path) -> None:
    """Write the JSON Schema and the reference page into a checkout."""
    (root / schema.PATH).write_text(schema.schema_text(), "utf-8")
    (root / reference.PATH).write_text(reference.reference_page(), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
