"""Checks on tables, and sources held against each other."""
