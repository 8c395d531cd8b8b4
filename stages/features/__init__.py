"""Features: from prepared rows to one row of model inputs each, made of what was known before the decision.

A plugin has the name of its task. It defines

- `Settings`: its parameters, read from `features.<task>`, on top of those of `DecisionSettings`;
- `build(current, past, settings)`: returns the inputs, with the rows in the order of `current`. Categorical inputs have
  a category dtype.

`current` holds the columns that are known at the decision; `past` is a `Past` over all rows and answers only with
aggregates over strictly earlier times. Benchmark columns (`evaluation_only`) are in neither.
"""
