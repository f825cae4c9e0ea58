"""The tables of major holders, monthly editions and history: their heads, their columns and their survey bases."""
