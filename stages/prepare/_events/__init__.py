"""Helpers of the preparation of events."""
