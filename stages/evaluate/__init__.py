"""Predictions in; numbers out.

A scorer: `Settings` its knobs; `evaluate(predictions, prepared, settings, seed)` returns the few headline scores, the
full report and the tables to plot, by name. It may offer `compare(one, other, prepared, names, settings, seed)`: two
runs on the same rows, paired, as figures and `sentences`.
"""
