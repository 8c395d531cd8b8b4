"""Helpers of the cleaner of events: parsing of tags, and statistics of tags and texts."""
