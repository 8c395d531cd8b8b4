"""Predictions of cards: what is to come, predicted by the service's code, written to a file and to the log."""
