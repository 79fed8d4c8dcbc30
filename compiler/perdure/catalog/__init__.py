"""What the schema contains, and what PostgreSQL says of a statement under it."""
