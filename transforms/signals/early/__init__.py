"""What is told before a release: early signals, what becomes of them, and the release held against the estimate."""
