"""The `fit` rows of one fold in; how much each counts, and synthetic rows, out.

A tool: `Settings` its knobs; `resample(rows, settings, seed)` returns a weight per row (mean 1 over kept rows,
0 = dropped) and a table of synthetic rows: `parent` and `other` (positions of the two parents in `rows`), `target`,
and every input.
"""
