"""A run and its steps, what it did, a backfill, a rebuild, and the store around them."""
