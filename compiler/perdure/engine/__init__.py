"""Everything that touches a running PostgreSQL: servers, runtime, worker, client."""
