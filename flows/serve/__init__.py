"""When to run, and the process that stays up and does."""
