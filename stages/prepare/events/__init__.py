"""Cleaner of events: one row per event, with clean texts, one 0/1 target per tag, and near-duplicates in one group."""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from stages.prepare.events.tag_parsing import is_missing, normalize_tag, parse_tags
from stages.prepare.events.tag_statistics import count_clusters, count_tags, detect_cut_texts
from trueline.core.errors import UserError, did_you_mean
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.tables.coercion import coerce_table
from trueline.core.tables.duplicate_rows import flag_contradictory_rows
from trueline.core.tables.row_filters import filter_rows, require_rows
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column, validate_table
from trueline.core.text.cleaning import clean_text
from trueline.core.text.near_duplicates import find_near_duplicate_clusters
from trueline.core.text.tag_mentions import MENTION_PREFIX, build_mention_columns, join_fields

Flags = pd.Series  # True for the rows that break a rule

TEXT_FIELDS = ["name", "description", "location"]
RAW_COLUMNS = [
    Column("id", "text", "before", "the event", required=True),
    Column("name", "text", "before", "its name", required=True),
    Column("description", "text", "before", "what it is, in its maker's words"),
    Column("location", "text", "before", "where it is held"),
    Column("date", "time", "before", "its day; without this column folds are drawn, with it they walk forward"),
    Column("tags", "text", "after", "its tags: a list, or a text that delimiters part", required=True),
]
COLUMNS = [
    Column("row_id", "text", "before", "the event", nullable=False),
    Column("entity", "text", "before", "the event", nullable=False),
    Column("group", "text", "before", "its near-duplicates, by the first of their ids", nullable=False),
    Column("time", "time", "before", "its day; the same for all where the source tells none", nullable=False),
    Column("name", "text", "before", "its name, cleaned; empty if it has none", nullable=False),
    Column("description", "text", "before", "its description, cleaned; empty if it has none", nullable=False),
    Column("location", "text", "before", "its place, cleaned; empty if it has none", nullable=False),
]
TARGET_PREFIX = "target:"  # prefix of the 0/1 column that says whether an event has a tag
BINARY_LIMITS: Any = {"nullable": False, "low": 0, "high": 1}


class Settings(SourceSettings):
    """The tag set, how tags are written, what is learnable, what near-duplicates are, and when texts count as cut."""

    tags: list[str] | None = Field(min_length=1)
    delimiters: str = Field(min_length=1)
    untagged: Literal["keep", "set_aside"]
    least_examples: int = Field(ge=1)
    twin_similarity: float = Field(gt=0, le=1)
    twin_words: int = Field(ge=1)
    cut_share: float = Field(gt=0, le=1)


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound event, sorted by time and id, and the quality report.

    After the columns of COLUMNS come `says:<tag>`, 1 where the text contains the tag's name, and `target:<tag>`, both
    in alphabetical order of the tags. A row that breaks a rule of RULES is set aside and counted under the first such
    rule. A tag with too few examples, or on every event or none, is reported as not learnable but stays a target.
    Raises UserError if a column is missing, no event is sound, no event has a tag, or a tag is not in the tag set that
    params.yaml fixes.
    """
    raw = raw.reset_index(drop=True)
    rows = _coerce_events(raw, settings)
    sound, set_aside = filter_rows(rows, RULES, settings)
    require_rows(rows, sound, set_aside, "events")
    prepared = _build_event_rows(sound.sort_values(["time", "id"], ignore_index=True), settings)
    validate_table(prepared, columns(prepared), "events")
    report = {
        "rows_in": len(rows),
        "rows_out": len(prepared),
        "set_aside": set_aside,
        "missing_share": {name: float((prepared[name] == "").mean()) for name in TEXT_FIELDS},
        "ignored_columns": sorted(set(map(str, raw.columns)) - {column.name for column in RAW_COLUMNS}),
        "clusters": count_clusters(prepared["group"]),
        "cut_texts": detect_cut_texts(
            raw.reindex(sound.index, columns=["description"])["description"], settings.cut_share
        ),
    }
    tags = _list_tags(prepared)
    tag_matrix = prepared[[TARGET_PREFIX + tag for tag in tags]].set_axis(tags, axis=1)
    return prepared, report | count_tags(tag_matrix, prepared["group"], settings.least_examples) | _summarise_days(
        prepared
    )


def columns(prepared: pd.DataFrame) -> list[Column]:
    """Return the column declarations of a prepared table, which depend on its tags."""
    tags = _list_tags(prepared)
    return [
        *COLUMNS,
        *(
            Column(MENTION_PREFIX + tag, "number", "before", f"1 where the text says {tag}", **BINARY_LIMITS)
            for tag in tags
        ),
        *(Column(TARGET_PREFIX + tag, "number", "after", f"1 where the tag is {tag}", **BINARY_LIMITS) for tag in tags),
    ]


def clean_event_texts(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the name, description and location of events, cleaned; an absent or missing one is empty."""
    raw_fields = {name: raw.get(name, pd.Series("", raw.index)) for name in TEXT_FIELDS}
    return pd.DataFrame({name: values.map(_clean_cell) for name, values in raw_fields.items()}, dtype=object)


def _coerce_events(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    # texts and tags are parsed separately; coerce_table only checks that these columns exist
    placeholders = {name: "" for name in (*TEXT_FIELDS, "tags") if name in raw}
    rows = coerce_table(raw.assign(**placeholders), RAW_COLUMNS, "events")
    rows[TEXT_FIELDS] = clean_event_texts(raw)
    rows["tags"] = pd.Series(
        [parse_tags(value, settings.delimiters) for value in raw["tags"]], rows.index, dtype=object
    )
    has_dates = rows["date"].notna().any()
    rows["time"] = rows["date"] if has_dates else pd.Series(NO_CLOCK, rows.index).astype(rows["date"].dtype)
    return rows.drop(columns="date")


def _build_event_rows(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    tags = _resolve_tag_set(rows, settings)
    event_texts = (
        rows["name"] + " " + rows["description"]
    ).tolist()  # without the location, which alone makes no near-duplicates
    group = find_near_duplicate_clusters(
        event_texts, rows["id"].tolist(), settings.twin_similarity, settings.twin_words
    )
    keys = {"row_id": rows["id"], "entity": rows["id"], "group": pd.Series(group, dtype=object), "time": rows["time"]}
    tag_targets = {TARGET_PREFIX + tag: [float(tag in row_tags) for row_tags in rows["tags"]] for tag in tags}
    joined_texts = [join_fields(fields) for fields in rows[TEXT_FIELDS].itertuples(index=False)]
    mentions = pd.DataFrame(build_mention_columns(joined_texts, tags), index=rows.index, dtype=float)
    return pd.concat([pd.DataFrame(keys), rows[TEXT_FIELDS], mentions, pd.DataFrame(tag_targets)], axis=1)


def _resolve_tag_set(rows: pd.DataFrame, settings: Settings) -> list[str]:
    used_tags = {tag for row_tags in rows["tags"] for tag in row_tags}
    allowed_tags = used_tags if settings.tags is None else {normalize_tag(tag) for tag in settings.tags}
    if unknown_tags := sorted(used_tags - allowed_tags):
        carriers = sum(unknown_tags[0] in row_tags for row_tags in rows["tags"])
        raise UserError(
            f"events: {carriers} rows have the tag {unknown_tags[0]!r}, which prepare.events.tags does not list; "
            f"{did_you_mean(unknown_tags[0], allowed_tags)} "
            "Fix the tag, list it, or set prepare.events.tags to null to accept every tag."
        )
    if not used_tags:
        raise UserError(f"events: none of {len(rows)} rows has a tag; add events that are tagged.")
    return sorted(allowed_tags)


def _clean_cell(value: Any) -> str:
    return "" if is_missing(value) else clean_text(str(value))


def _list_tags(prepared: pd.DataFrame) -> list[str]:
    return [str(name).removeprefix(TARGET_PREFIX) for name in prepared if str(name).startswith(TARGET_PREFIX)]


def _summarise_days(prepared: pd.DataFrame) -> dict[str, Any]:
    time = prepared["time"]
    if (time == NO_CLOCK).all():
        return {"clock": False}
    return {"clock": True, "first_day": f"{time.min():%Y-%m-%d}", "last_day": f"{time.max():%Y-%m-%d}"}


def _flag_missing_ids(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["id"].isna()


def _flag_unreadable_tags(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["tags"].isna()


def _flag_unreadable_dates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable"]


def _flag_missing_dates(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["time"].isna()


def _flag_empty_texts(rows: pd.DataFrame, settings: Settings) -> Flags:
    return (rows[TEXT_FIELDS] == "").all(axis=1)  # such a row would only measure the prior


def _flag_untagged_events(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["tags"].map(len).eq(0) & (settings.untagged == "set_aside")


def _flag_contradictory_events(rows: pd.DataFrame, settings: Settings) -> Flags:
    # there is no way to know which of the versions is right
    return flag_contradictory_rows(rows, ["id"], [*TEXT_FIELDS, "time", "tags"])


def _flag_duplicate_events(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated("id")


# In the order in which they run; each sees only the rows that the ones above let pass.
RULES: dict[str, Callable[[pd.DataFrame, Settings], Flags]] = {
    "missing id": _flag_missing_ids,
    "unreadable tags": _flag_unreadable_tags,
    "unreadable date": _flag_unreadable_dates,
    "missing date": _flag_missing_dates,
    "empty text": _flag_empty_texts,
    "untagged": _flag_untagged_events,
    "several events of one id": _flag_contradictory_events,
    "delivered twice": _flag_duplicate_events,
}
