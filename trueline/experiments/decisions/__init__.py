"""Comparing runs, ranking experiments, promotion gates and promotion."""
