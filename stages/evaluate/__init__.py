"""The evaluate stage: predictions in, metrics out.

A scorer plugin has `Settings`, its parameters, and `evaluate(predictions, prepared, settings, seed)`, which returns the
few headline scores, the full report, and the tables to plot by name. It may also have
`compare(first_run, second_run, prepared, names, settings, seed)`, which compares two runs pairwise on the same rows and
returns figures and `sentences`.
"""
