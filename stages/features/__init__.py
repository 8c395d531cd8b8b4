"""Prepared rows in; one row of model inputs a row out, made of the present's `before` columns and the past.

A task file: `Settings` its knobs; `build(current, past, settings)` returns the inputs, row by row as `current`;
categorical inputs have a category dtype. `current` holds what is known at the decision, `past` answers only with
aggregates over strictly earlier times.
"""
