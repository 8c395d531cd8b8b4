"""Comparison of the answers of a champion and its shadow, with outcomes where they are known."""
