"""Predictions in; numbers out.

A scorer: `Settings` its knobs; `evaluate(predictions, prepared, settings, seed)` returns the few headline scores, the
full report and the tables to plot, by name.
"""
