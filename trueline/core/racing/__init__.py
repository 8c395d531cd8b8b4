"""Losses of races."""
