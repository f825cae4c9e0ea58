"""Exchange rates, pegs and interventions."""
