"""Patterns in what a holder sells: seasons, swings, sales that are bought back."""
