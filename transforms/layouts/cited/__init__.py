"""Layouts of the project's own small tables of figures, each row with the day of its release and its citation."""
