"""SQL on the published tables, and what tables there are."""
