"""PostgreSQL as `make run` uses it."""
