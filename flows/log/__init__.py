"""The log's lines, without secrets, and progress on a terminal."""
