"""What a position is exposed to: the durations that published valuations imply, and how well they foretell."""
