"""Tables 1 and 3: the same layout with other columns, one row per holder and month."""
