"""Bytes from the publishers: which sources, over HTTP, and waiting for a release."""
