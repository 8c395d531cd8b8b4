"""Checks, one a file: each answers one question with the evidence of all stages, or declines to."""
