"""Bytes from the publishers, over HTTP."""
