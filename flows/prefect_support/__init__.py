"""Prefect's settings and the start of its temporary server."""

# How often garbage is collected in a process that is not to last: what it imports and reads is much, and no garbage.
RARELY = (100_000, 20, 20)
