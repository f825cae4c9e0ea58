"""When figures are released: the days of the calendar, and their hours."""
