"""Experiment files: their schema and what they set."""
