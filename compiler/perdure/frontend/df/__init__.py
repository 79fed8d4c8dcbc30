"""Hand-written df SQL, and graphs of runs, to workflows."""

from perdure.frontend.df.importing import Imported, import_graph, import_sql
from perdure.frontend.df.rows import import_rows

__all__ = ["Imported", "import_graph", "import_rows", "import_sql"]
