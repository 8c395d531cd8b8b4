"""Comparison of shadow answers with outcomes."""
