"""What a run did, told to people: its outcome, what it revised, Prefect's artifacts."""
