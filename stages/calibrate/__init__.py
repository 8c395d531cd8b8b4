"""Calibrate: from raw scores of later, untouched rows to probabilities or predictive distributions.

A calibrator is named in `tasks.<task>.calibrator`. It defines

- `Settings`: its parameters, read from `calibrate.<task>.<word>`;
- `fit(score, target, group, settings)`: returns the state of the fitted calibrator, as values that JSON can hold;
- `apply(state, score, group)`: returns an array with a number per row, or a dict of such arrays by name: "" is the
  forecast itself, in the column of the arm, and any other name becomes the column `<arm>:<name>`.

A calibrator may also name outcomes beside the target in `OUTCOMES`, columns of the prepared rows. Its `fit` is then
given a mapping from those that the source has to their values in the same rows, as a fifth argument, `outcomes`.

`score` and `target` have one number per row, or rows × tags for several targets. `group` is a code per row, 0…n−1. A
task that predicts probabilities needs a calibrator that returns one per row; a task that predicts a quantity needs
`residuals`.
"""
