"""Raw scores of later, untouched rows in; probabilities out.

A tool: `Settings` its knobs; `fit(score, target, group, settings)` returns the calibrator as JSON can hold it;
`apply(state, score, group)` returns a probability per row. `group` is a code per row, 0…n-1.
"""
