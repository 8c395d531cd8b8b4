"""Fits: every fold and the final model by each way of fitting, with what earlier runs made of the same rows."""
