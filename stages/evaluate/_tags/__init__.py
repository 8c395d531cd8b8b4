"""Helpers of the tag scorer."""
