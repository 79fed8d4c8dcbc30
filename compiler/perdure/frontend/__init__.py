"""Front ends: text to syntax tree, keeping every position."""
