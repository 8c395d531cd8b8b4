"""Raw scores of later, untouched rows in; probabilities or distributions out.

A tool: `Settings` its knobs; `fit(score, target, group, settings)` returns the calibrator as JSON can hold it;
`apply(state, score, group)` returns an array with a number per row, or a dict of such arrays by name: "" is the
forecast itself, and a further name becomes the column `arm:name`. A task of chances takes a tool that returns a
probability per row; a task of quantities takes `residuals`. `group` is a code per row, 0…n-1.
"""
