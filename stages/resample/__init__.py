"""Resample: how much each `fit` row of a fold counts, and which synthetic rows join them.

A resampler is named in `tasks.<task>.resampler`. It defines

- `Settings`: its parameters, read from `resample.<task>.<word>`;
- `resample(rows, settings, seed)`: returns a weight per row of `rows` (a `FoldData`), 0 for a row that is dropped and 1
  on average over the others; and a table of synthetic rows, empty if there are none. Its columns are `parent` and
  `other`, the positions of the two parents in `rows`; `target`; and every input.
"""
