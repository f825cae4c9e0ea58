"""The ways out that have a bound: of time, and of what an answer may be."""
