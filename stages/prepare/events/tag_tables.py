"""Tag tables: sources that give each tag a row or a column of its own become one row an event, with its tags."""

import re
from collections.abc import Collection, Sequence

import pandas as pd

from stages.prepare.events.tag_cells import is_missing
from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables.column_mapping import normalize_name

TAG_PREFIX = re.compile(r"(?:tags?|labels?|topics?|category|categories|genres?|is|has)[_.:/]+", re.IGNORECASE)
FLAG_CODES = {"1": True, "true": True, "yes": True, "y": True, "x": True, "✓": True, "✔": True, "☑": True}
FLAG_CODES |= {"0": False, "false": False, "no": False, "n": False, "": False}


def collect_tag_columns(raw: pd.DataFrame, tag_columns: Sequence[str]) -> pd.DataFrame:
    """Return the table with a column `tags`, lists of the names of those `tag_columns` that are 1 or true in a row.

    What all of them begin with, such as `tag_`, is no part of a tag.

    Raises UserError for a column that does not exist, and for a value that is neither true nor false.
    """
    names = {str(name): name for name in raw}
    flags = {}
    for column in tag_columns:
        if column not in names:
            raise UserError(
                f"events has no column {column!r} of prepare.events.tag_columns; {did_you_mean(column, names)}"
            )
        flags[column] = _read_flags(raw[names[column]])
        if (unreadable := flags[column].isna()).any():
            raise UserError(
                f"events: the tag column {column} is {raw[names[column]][unreadable].iloc[0]!r} in row "
                f"{int(unreadable.to_numpy().argmax()) + 1}; write 1 where an event has the tag, and 0 elsewhere."
            )
    rows = pd.DataFrame(flags, raw.index).astype(bool).to_numpy()
    names_without_prefix = _drop_common_prefix(tag_columns)
    tags = [[tag for tag, has_tag in zip(names_without_prefix, row, strict=True) if has_tag] for row in rows]
    other_columns = raw.drop(columns=[names[column] for column in tag_columns])
    return other_columns.assign(tags=pd.Series(tags, raw.index, dtype=object))


def _drop_common_prefix(tag_columns: Sequence[str]) -> list[str]:
    """Return the names of the columns without a mark of tags that all have in front."""
    matches = [TAG_PREFIX.match(column) for column in tag_columns]
    prefixes = {match.group() if match else "" for match in matches}
    stripped = [column.removeprefix(next(iter(prefixes))) for column in tag_columns]
    return stripped if len(prefixes) == 1 < len(tag_columns) and all(stripped) else list(tag_columns)


def collect_numbered_tags(raw: pd.DataFrame, names: Collection[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with a column `tags` of what numbered columns (tag1, tag2) hold, and the names of these.

    `names` are what a column of tags may be called. Without several such columns, or with one of these names, the table
    stays as it is.
    """
    pattern = re.compile(rf"(?:{'|'.join(sorted(map(re.escape, names)))})\d+(?:name|label|title|tag)?")
    keys = {str(name): normalize_name(str(name)) for name in raw}
    numbered = [name for name, key in keys.items() if pattern.fullmatch(key)]
    if len(numbered) < 2 or set(keys.values()) & set(names):
        return raw, []
    cells = raw[numbered].astype(object)
    tags = [[str(cell) for cell in row if not is_missing(cell) and str(cell).strip()] for row in cells.to_numpy()]
    return raw.drop(columns=numbered).assign(tags=pd.Series(tags, raw.index, dtype=object)), numbered


def list_flag_columns(raw: pd.DataFrame, declared: Collection[str]) -> list[str]:
    """Return the columns of a raw table, but for the declared ones, that hold 1 and 0, or true and false."""
    flags = {str(name): _read_flags(raw[name]) for name in raw if str(name) not in declared}
    return [name for name, values in flags.items() if values.notna().all() and values.nunique() == 2]


def join_tag_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each event of which every row has one tag and all else is equal; other rows stay as they are.

    The first of an event's rows stays, with the tags of all. Several rows of an event with several tags each are
    versions of it rather than parts, and stay too.
    """
    repeated = rows[rows["id"].notna() & rows["id"].duplicated(keep=False)]
    has_one_tag = repeated["tags"].map(lambda tags: tags is not None and len(tags) == 1).astype(bool)
    compared = [name for name in rows if name not in ("tags", "updated_at")]
    versions = repeated.drop_duplicates(compared)["id"].value_counts()
    is_part = repeated["id"].map(versions).eq(1) & ~repeated["id"].isin(repeated["id"][~has_one_tag])
    by_id = repeated[is_part].groupby("id")["tags"]
    tags = pd.Series(
        {event_id: tuple(sorted({tag for (tag,) in tag_rows})) for event_id, tag_rows in by_id}, dtype=object
    )
    tags = tags[tags.map(len) > 1]
    part_rows = repeated[repeated["id"].isin(tags.index)]
    first_rows = part_rows.drop_duplicates("id")
    joined = rows.drop(index=part_rows.index.difference(first_rows.index))
    return joined.assign(tags=first_rows["id"].map(tags).astype(object).combine_first(joined["tags"]))


def _read_flags(values: pd.Series) -> pd.Series:
    """Return True, False or missing (neither) for each cell; an empty cell is False."""
    return values.astype("string").fillna("").str.strip().str.lower().str.removesuffix(".0").map(FLAG_CODES)
