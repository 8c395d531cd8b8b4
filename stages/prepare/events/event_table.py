"""Event table: a source's table of events under the declared names, with plain texts in its text columns."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from stages.prepare.events.tag_tables import collect_numbered_tags, collect_tag_columns, list_flag_columns
from stages.prepare.events.text_cells import read_text
from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import normalize_name, reject_unknown_targets
from trueline.core.tables.own_columns import list_source_columns
from trueline.core.tables.raw_tables import RawTable, read_raw_table
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column

TEXT_FIELDS = ["name", "description", "location"]
UPDATED_AT = Column("updated_at", "time", "after", "when the row was written: of several of an event the newest counts")
RAW_COLUMNS = [
    Column("id", "text", "before", "the event", required=True),
    Column("name", "text", "before", "its name", required=True),
    Column("description", "text", "before", "what it is, in its maker's words"),
    Column("location", "text", "before", "where it is held"),
    Column("date", "time", "before", "its day; without this column folds are drawn, with it they walk forward"),
    Column("tags", "text", "after", "its tags: a list, or a text that delimiters part", required=True),
    UPDATED_AT,
]
SYNONYMS = {
    "id": ("event_id", "uid", "uuid", "guid"),
    "name": ("title", "event_name", "headline"),
    "description": ("body", "details", "abstract", "summary"),
    "location": ("venue", "place", "venue_name"),
    "date": ("event_date", "start_date", "start_time", "starts_at", "datetime"),
    "updated_at": ("last_updated", "modified_at", "last_modified", "corrected_at"),
    "tags": ("tag", "labels", "label", "tag_names", "categories", "category", "topics", "keywords"),
}


def read_event_table(
    raw: pd.DataFrame,
    settings: SourceSettings,
    tag_columns: Sequence[str] | None,
    use_dates: bool,
    needs_tags: bool = True,
) -> RawTable:
    """Return the declared columns of a raw table; without `use_dates` a column `date` is among the ignored ones.

    Without `needs_tags` the tags may be absent, as those of events that are still to be tagged. Texts are taken
    out of objects, and tags out of `tag_columns` if these are given. Raises UserError for missing columns, for dates
    that may be read in two ways, and for objects without a text.
    """
    own_columns = list_source_columns(settings, RAW_COLUMNS, "events")
    reject_unknown_targets(settings, [*RAW_COLUMNS, *own_columns], "events")
    columns = [column for column in (*RAW_COLUMNS, *own_columns) if use_dates or column.name != "date"]
    numbered_columns: list[str] = []
    if not needs_tags:
        columns = [replace(column, required=column.required and column.name != "tags") for column in columns]
    elif tag_columns is not None:
        raw = collect_tag_columns(raw, tag_columns)
    elif "tags" not in settings.columns.values():
        raw, numbered_columns = collect_numbered_tags(
            raw, {normalize_name(name) for name in ("tags", *SYNONYMS["tags"])}
        )
    try:
        table = read_raw_table(raw, columns, settings, "events", SYNONYMS, key=["id"])
    except UserError as error:
        raise UserError(f"{error}{_suggest_tag_columns(raw, settings)}") from None
    if numbered_columns:
        table.notes.append(f"events: tags are read from {', '.join(numbered_columns)}")
    texts = {name: read_texts(table.rows[name], name) for name in TEXT_FIELDS if name in table.rows}
    return replace(table, rows=table.rows.assign(**texts))


def read_texts(values: pd.Series, column: str) -> pd.Series:
    """Return the text in each cell; raises UserError for an object without one."""
    texts = pd.Series(list(map(read_text, values.tolist())), values.index, dtype=object)
    if (unreadable := texts.isna()).any():
        raise UserError(
            f"events: {column} is an object without a text or name, {str(values[unreadable].iloc[0])[:80]!r} in row "
            f"{int(unreadable.to_numpy().argmax()) + 1}; write its text into {column}, or leave the column out."
        )
    return texts


def _suggest_tag_columns(raw: pd.DataFrame, settings: SourceSettings) -> str:
    """Return what to do with columns of 1 and 0 if there is no column of tags; nothing if there is one."""
    tag_names = {normalize_name(name) for name in ("tags", *SYNONYMS["tags"])}
    flag_columns = list_flag_columns(raw, {column.name for column in RAW_COLUMNS})
    if "tags" in settings.columns.values() or tag_names & set(map(normalize_name, map(str, raw))) or not flag_columns:
        return ""
    names = ", ".join(flag_columns)
    return f" Some columns hold only 1 and 0; if each is a tag, set prepare.events.tag_columns: [{names}]."
