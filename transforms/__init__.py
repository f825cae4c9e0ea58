"""Pure functions: bytes to tables, tables to tables. No network, disk, clock or database connection."""
