"""Raw source in; typed rows, folds and a quality report out.

A task file (the name of the task): `COLUMNS` declares every prepared column; `Settings` its knobs;
`prepare(raw, settings)` returns the prepared rows (row_id, entity, group, time, target, teacher and the domain's
columns) and the quality report: rows in, rows out, and why.
A reader file (named in the plan): `read(source)` returns the raw table.
"""
