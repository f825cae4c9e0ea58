"""A run and its steps: the monthly flow, a backfill, a rebuild, and what each did."""
