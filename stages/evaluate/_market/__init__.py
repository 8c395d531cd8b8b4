"""Helpers of the market scorer."""
