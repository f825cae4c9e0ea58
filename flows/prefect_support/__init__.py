"""Prefect's settings and the start of its temporary server."""
