"""Serving: the prediction endpoint, and a fast path to it around the router."""
