"""Cleaner of events: one row per event, with clean texts, one 0/1 target per tag, and near-duplicates in one group."""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator

from stages.prepare.events.event_table import RAW_COLUMNS, TEXT_FIELDS, UPDATED_AT, read_event_table, read_texts
from stages.prepare.events.near_duplicates import find_near_duplicate_clusters
from stages.prepare.events.tag_cells import is_missing, is_printed_list
from stages.prepare.events.tag_parsing import parse_tags
from stages.prepare.events.tag_statistics import count_clusters, count_tags, count_variants, detect_cut_texts
from stages.prepare.events.tag_tables import join_tag_rows
from trueline.core.errors import UserError, did_you_mean
from trueline.core.splits.walk_forward import NO_CLOCK
from trueline.core.tables.coercion import coerce_table
from trueline.core.tables.duplicate_rows import flag_contradictory_rows, flag_older_versions
from trueline.core.tables.intake_report import Intake, IntakeError, describe_main_loss, make_example, summarise_intake
from trueline.core.tables.logged_predictions import LoggedFields
from trueline.core.tables.own_columns import (
    convert_own_columns,
    list_own_columns,
    list_source_columns,
    read_own_columns,
)
from trueline.core.tables.raw_tables import RawTable
from trueline.core.tables.row_filters import find_reasons
from trueline.core.tables.source_settings import OwnColumn, SourceSettings
from trueline.core.tables.table_schema import Column, coerce_types, validate_table
from trueline.core.text.cleaning import clean_text
from trueline.core.text.tag_labels import choose_spellings, clean_tag, normalize_tag
from trueline.core.text.tag_mentions import MENTION_PREFIX, build_mention_columns, join_fields

Variants = dict[str, dict[str, int]]  # spelling of a tag: its other spellings, with the number of rows
Flags = pd.Series  # True for the rows that break a rule

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
OLDER_VERSION = "older version of the event"
NO_LOSS = (OLDER_VERSION,)
MAX_LISTED_TAGS = 5  # in a sentence
BINARY_LIMITS: Any = {"nullable": False, "low": 0, "high": 1}


class Settings(SourceSettings):
    """How tags are written, which are learnable, whether dates order events, and which texts are duplicates or cut."""

    TIME_COLUMNS = ("date", "updated_at")

    tags: list[str] | None = Field(min_length=1)
    tag_columns: list[str] | None = Field(min_length=1)
    delimiters: str = Field(min_length=1)
    untagged: Literal["keep", "set_aside"]
    dates: Literal["use", "ignore"]
    least_examples: int = Field(ge=1)
    near_duplicate_similarity: float = Field(gt=0, le=1)
    near_duplicate_words: int = Field(ge=1)
    cut_share: float = Field(gt=0, le=1)

    @field_validator("own_columns")
    @classmethod
    def _require_known_before(cls, columns: dict[str, OwnColumn]) -> dict[str, OwnColumn]:
        for name, column in columns.items():
            if column.known != "before":
                raise ValueError(f"{name} is known {column.known}, but an event is tagged by what is known before")
        return columns


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound event, sorted by time and id, and the quality report.

    After the columns of COLUMNS come `says:<tag>`, 1 where the text contains the tag's name, and `target:<tag>`, both
    in alphabetical order of the tags. Rows that give one tag each to the same event are joined. A row that breaks a
    rule of RULES is set aside and counted under the first such rule. A tag has the spelling that is most frequent, or
    that params.yaml gives it. A tag with too few examples, or on every event or none, is reported as not learnable but
    stays a target. Raises UserError if a column is missing or holds objects without a text, no event is sound, no event
    has a tag, or a tag is not in the tag set that params.yaml fixes.
    """
    table = read_event_table(raw, settings, settings.tag_columns, settings.dates == "use")
    raw_rows, variants = _coerce_events(table.rows, settings)
    rows = join_tag_rows(raw_rows)
    reasons = find_reasons(rows, RULES, settings)
    notes = [*table.notes, *_describe_joining(len(raw_rows), len(rows), variants)]
    sound = rows.drop(index=reasons.index)
    own_values = read_own_columns(
        table.rows, sound, list_source_columns(settings, RAW_COLUMNS, "events"), "events", _clean_categories
    )
    sound = sound.join(own_values.rows)
    intake = _summarise_intake(table, rows, reasons, [*notes, *own_values.notes])
    if sound.empty:
        sentence = f"events: none of {len(rows)} rows survives; {describe_main_loss(intake, 'events')}."
        raise IntakeError(sentence, {"intake": intake})
    prepared = _build_event_rows(sound.sort_values(["time", "id"], ignore_index=True), settings)
    validate_table(prepared, columns(prepared), "events")
    descriptions = table.rows.reindex(sound.index, columns=["description"])["description"]
    tags = _list_tags(prepared)
    tag_matrix = prepared[[TARGET_PREFIX + tag for tag in tags]].set_axis(tags, axis=1)
    report = {
        "rows_in": len(rows),
        "rows_out": len(prepared),
        "set_aside": {reason: loss["rows"] for reason, loss in intake["set_aside"].items()},
        "missing_share": {name: float((prepared[name] == "").mean()) for name in TEXT_FIELDS},
        "ignored_columns": table.ignored,
        "clusters": count_clusters(prepared["group"]),
        "cut_texts": detect_cut_texts(descriptions, settings.cut_share),
        "joined_tags": variants,
        "intake": intake,
    }
    tag_counts = count_tags(tag_matrix, prepared["group"], settings.least_examples)
    return prepared, report | tag_counts | _summarise_days(prepared)


def read_untagged_events(raw: pd.DataFrame, settings: Settings, is_source: bool = False) -> pd.DataFrame:
    """Return the id, the texts, perhaps the date, and the own columns of events that are to be tagged, as they came.

    The own columns are under their prepared names. Of a source (`is_source`) the events are taken whose tags are
    missing; an empty list says that an event has none. Raises UserError for missing columns, ids that are missing or
    occur twice, and if no event is left.
    """
    table = read_event_table(raw, settings, settings.tag_columns, settings.dates == "use", needs_tags=False)
    rows = table.rows
    if is_source:
        rows = rows[rows["tags"].map(is_missing).astype(bool)] if "tags" in rows else rows.iloc[:0]
    ids = rows["id"].astype("string").str.strip()
    ids = ids.mask(ids == "")
    if rows.empty:
        raise UserError("events: no event is without tags; name a card with the events to tag.")
    if (faulty := ids.isna() | ids.duplicated()).any():
        fault = "is missing" if ids[faulty].isna().iloc[0] else f"{ids[faulty].iloc[0]!r} occurs twice"
        raise UserError(f"events: id {fault} in row {int(faulty.to_numpy().argmax()) + 1}; give every event its own.")
    own_columns = list_source_columns(settings, RAW_COLUMNS, "events")
    texts = rows.reindex(columns=["id", *TEXT_FIELDS, *(name for name in ("date",) if name in rows)])
    return texts.join(convert_own_columns(rows, own_columns, _clean_categories))


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
    return pd.DataFrame(
        {name: read_texts(values, name).map(clean_text) for name, values in raw_fields.items()}, dtype=object
    )


def _coerce_events(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, Variants]:
    """Return the events with typed columns, clean texts and tags; and the variants of tags that were joined."""
    # texts and tags are parsed separately; coerce_table only checks that these columns exist
    placeholders = {name: "" for name in (*TEXT_FIELDS, "tags") if name in raw}
    rows = coerce_table(
        raw.assign(**placeholders), [column for column in RAW_COLUMNS if column != UPDATED_AT], "events"
    )
    rows["updated_at"] = coerce_types(raw, [UPDATED_AT], "events")["updated_at"]
    rows[TEXT_FIELDS] = clean_event_texts(raw)
    raw_tags = parse_tags(
        raw["tags"].tolist(), settings.delimiters, settings.values.get("tags", {}), settings.tags is not None
    )
    spellings = choose_spellings(tag for row_tags in raw_tags for tag in row_tags or ())
    spellings |= {normalize_tag(tag): clean_tag(tag) for tag in settings.tags or ()}
    tags = [None if row is None else tuple(sorted({spellings[normalize_tag(tag)] for tag in row})) for row in raw_tags]
    rows["tags"] = pd.Series(tags, rows.index, dtype=object)
    has_dates = rows["date"].notna().any()
    rows["time"] = rows["date"] if has_dates else pd.Series(NO_CLOCK, rows.index).astype(rows["date"].dtype)
    return rows.drop(columns="date"), count_variants(raw_tags, spellings)


def _build_event_rows(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    tags = _resolve_tag_set(rows, settings)
    event_texts = (
        rows["name"] + " " + rows["description"]
    ).tolist()  # without the location, which alone makes no near-duplicates
    group = find_near_duplicate_clusters(
        event_texts, rows["id"].tolist(), settings.near_duplicate_similarity, settings.near_duplicate_words
    )
    keys = {"row_id": rows["id"], "entity": rows["id"], "group": pd.Series(group, dtype=object), "time": rows["time"]}
    tag_targets = {TARGET_PREFIX + tag: [float(tag in row_tags) for row_tags in rows["tags"]] for tag in tags}
    joined_texts = [join_fields(fields) for fields in rows[TEXT_FIELDS].itertuples(index=False)]
    mentions = pd.DataFrame(build_mention_columns(joined_texts, tags), index=rows.index, dtype=float)
    own_values = rows[[column.name for column in list_own_columns(settings)]]
    return pd.concat([pd.DataFrame(keys), rows[TEXT_FIELDS], mentions, pd.DataFrame(tag_targets), own_values], axis=1)


def _clean_categories(values: pd.Series) -> pd.Series:
    return values.map(clean_text, na_action="ignore").astype(object)


def _resolve_tag_set(rows: pd.DataFrame, settings: Settings) -> list[str]:
    used_tags = {tag for row_tags in rows["tags"] for tag in row_tags}
    allowed_tags = used_tags if settings.tags is None else {clean_tag(tag) for tag in settings.tags}
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


def _describe_joining(raw_count: int, event_count: int, variants: Variants) -> list[str]:
    """Return a sentence each on rows and on spellings of tags that were joined."""
    notes = [f"events: {raw_count:,} rows are {event_count:,} events, with one row for each of their tags"]
    spellings = [
        f"{tag!r} (rows with {', '.join(f'{spelling!r}: {count:,}' for spelling, count in counts.items())})"
        for tag, counts in variants.items()
    ]
    if spellings:
        notes.append(f"events: spellings of one tag are joined: {'; '.join(spellings[:MAX_LISTED_TAGS])}")
    return notes if raw_count > event_count else notes[1:]


def _summarise_intake(table: RawTable, rows: pd.DataFrame, reasons: pd.Series, notes: list[str]) -> Intake:
    examples = {}
    for reason in reasons.unique():
        row = int(reasons.index[reasons == reason][0])
        cells = table.rows.loc[[row]]
        column, setting = EXAMPLES[reason]
        shown = cells.assign(tags=None if is_missing(cells["tags"].iloc[0]) else str(cells["tags"].iloc[0]))
        if is_printed_list(str(cells[column].iloc[0])):
            setting = None  # no delimiter parts an object
        examples[reason] = make_example(shown, row, column, setting)
    keys = rows[["id", "time"]].set_axis(["group", "day"], axis=1)
    return summarise_intake(keys, reasons, examples, "events", notes, table.look_meant, NO_LOSS)


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


LOGGED = LoggedFields(("id",), dict.fromkeys(TEXT_FIELDS, "text"), clean_event_texts)
# In the order in which they run; each sees only the rows that the ones above let pass.
RULES: dict[str, Callable[[pd.DataFrame, Settings], Flags]] = {
    "missing id": _flag_missing_ids,
    "unreadable tags": _flag_unreadable_tags,
    "unreadable date": _flag_unreadable_dates,
    "missing date": _flag_missing_dates,
    OLDER_VERSION: lambda rows, settings: flag_older_versions(rows, ["id"], "updated_at"),
    "empty text": _flag_empty_texts,
    "untagged": _flag_untagged_events,
    "several events of one id": _flag_contradictory_events,
    "delivered twice": _flag_duplicate_events,
}
# The column that shows why, and the setting that decides it.
EXAMPLES: dict[str, tuple[str, str | None]] = {
    "missing id": ("id", None),
    "unreadable tags": ("tags", "delimiters"),
    "unreadable date": ("date", "date_format"),
    "missing date": ("date", "dates"),
    OLDER_VERSION: ("updated_at", None),
    "empty text": ("name", None),
    "untagged": ("tags", "untagged"),
    "several events of one id": ("id", None),
    "delivered twice": ("id", None),
}
