"""Building the tables aside and putting them into place."""
