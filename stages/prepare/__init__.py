"""Prepare: from the raw source to typed rows, folds and a quality report.

Two kinds of plugin live here: a cleaner per task, and readers.

A cleaner has the name of its task. It defines

- `Settings`: its parameters, read from `prepare.<task>`: a subclass of SourceSettings, which says how a source is
  written (trueline/core/tables/source_settings.py);
- `COLUMNS`: the declarations of all prepared columns; or, if they depend on the data, `columns(prepared)`, which
  returns them;
- `prepare(raw, settings)`: returns the prepared rows and the quality report, a dict that says how many rows came in,
  how many went out, and why; its part `intake` is made by trueline/core/tables/intake_report.py. Every row has row_id,
  entity, group and time; `target`, or one `target:<name>` for each of several targets; perhaps `soft_label`; and the
  columns of the domain.

The shape of a public download is a module with `TABLE`, the table that it becomes; `COLUMNS`, by which people know it;
`recognize(table)`; and `convert(table, settings)`, which returns the table with what its columns do not say in ours.
Columns that differ only in their names are found by the synonyms of the task.

A reader is named in `tasks.<task>.reader`. It defines

- `read(source, settings)`: returns the raw table, or a dict of raw tables, as the cleaner of the task expects it;
- `MAIN_TABLE`: the name of the table that the one file of a card to predict holds, if there are such cards.

The stage itself assigns the folds. They walk forward in time; if no row has a time, they are drawn at random and
stratified (trueline/core/splits/stratified.py).
"""
