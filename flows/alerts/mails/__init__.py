"""What each kind of message says: a finding, a release's digest, a revision, a notice to the operator."""
