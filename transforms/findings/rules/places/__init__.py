"""Places read together: falls that others take up, and custodians that gain for months."""
