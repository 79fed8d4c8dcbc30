"""What the schema contains, and what PostgreSQL says of a statement under it."""

from perdure.catalog.open import SchemaCatalog, open_catalog
from perdure.catalog.settings import CatalogSettings, SchemaSource, ServerOptions

__all__ = [
    "CatalogSettings",
    "SchemaCatalog",
    "SchemaSource",
    "ServerOptions",
    "open_catalog",
]
