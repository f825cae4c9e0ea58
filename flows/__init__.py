"""Everything that touches the outside world: HTTP, mail, the report, Prefect flows and the command line."""
