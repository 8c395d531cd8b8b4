"""Requests answered: endpoint, fast path and predictor."""
