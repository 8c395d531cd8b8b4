"""The evaluate stage: predictions in, metrics out.

A scorer plugin has `Settings`, its parameters, and `evaluate(predictions, prepared, settings, seed)`, which returns the
few headline scores, the full report, and the tables to plot by name. The column `inputs_known` of `predictions` says
when their inputs were known: before, or at_start if one of them was known only then; a bet is graded only at a quote
that stood by then. It may also have
`compare(first_run, second_run, prepared, names, settings, seed)`, which compares two runs pairwise on the same rows and
returns figures and `sentences`, and `compute_losses(predictions, arm)`, by which promotion compares two models: it
returns groups, losses and weights, one entry per row or group; the model with less Σ loss / Σ weight is better.

Its `<scorer>_report.py` says what the report looks like, for everything outside this folder that reads one
(trueline/core/runtime/scorer_description.py). It imports nothing heavy, as the service reads it.
"""
