"""Early signals: what is known of a month before its release, and how good such estimates have been."""
