"""Runs of experiments and their progress."""
