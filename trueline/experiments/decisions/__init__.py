"""Comparisons, gates and promotion."""
