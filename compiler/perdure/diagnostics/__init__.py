"""What is said to the user about a mistake: data, the registry of codes, rendering."""

from perdure.diagnostics.model import Diagnostic, Edit, Fix, Severity, error, warning

__all__ = ["Diagnostic", "Edit", "Fix", "Severity", "error", "warning"]
