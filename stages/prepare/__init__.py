"""Raw source in; typed rows, folds and a quality report out.

A task file (the name of the task): `COLUMNS` declares every prepared column, or `columns(prepared)` does where they
depend on the data; `Settings` its knobs; `prepare(raw, settings)` returns the prepared rows (row_id, entity, group,
time, target or several `target:name`, perhaps teacher, and the domain's columns) and the quality report: rows in, rows
out, and why. Folds walk forward in time; where no row has a time (trueline/core/splits/stratified.py) they are drawn.
A reader file (named in the plan): `read(source)` returns the raw table.
"""
