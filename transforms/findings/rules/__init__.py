"""Scores, verdicts, episodes, moves between custodians: what the rules of config/alert_rules.toml compute."""
