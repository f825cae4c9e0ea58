"""Bytes as served, kept once; parsed by other processes where that is worthwhile."""
