"""What each file of config/ may say: its sections, rows and values as types."""
