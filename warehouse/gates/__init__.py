"""What must hold after parsing and before publishing."""
