"""Counters, drift of predictions and their log."""
