"""From holders' months to findings: what is flagged, how it reads, and what is said of it."""
