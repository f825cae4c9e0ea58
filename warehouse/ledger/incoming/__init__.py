"""Files on their way into the ledger: one that arrives, many of a folder, the members of a release."""
