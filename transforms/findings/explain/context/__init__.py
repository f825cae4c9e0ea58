"""What is set beside a finding: its currency, interventions, events; never as a cause."""
