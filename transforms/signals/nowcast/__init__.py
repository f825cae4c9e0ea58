"""Estimates of a month before its release: inputs, model, interval, record, words."""
