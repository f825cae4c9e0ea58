"""The published tables of what is known before a release: signals, estimates, and how they went."""
