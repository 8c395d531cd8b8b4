"""Events: one row per event, its texts cleaned, its tags as one 0/1 target each, near-duplicates in one group."""

from collections.abc import Callable
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from core.delivered import delivered
from core.duplicates import contradicting
from core.folds import NO_CLOCK
from core.mentions import SAYS, in_one, says
from core.params import Knobs
from core.refusals import Refusal, suggest
from core.sifting import refuse_nothing, sift
from core.tables import Column, check
from core.texts import clean
from core.twins import clusters
from stages.prepare._census import cut_texts, tag_counts, twin_counts
from stages.prepare._labels import labels, missing, spelling

Flags = pd.Series  # True for the rows in which a rule finds fault

FIELDS = ["name", "description", "location"]
RAW = [
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
TARGET = "target:"  # opens the name of the 0/1 column that holds the truth of a tag
FLAG: Any = {"nullable": False, "low": 0, "high": 1}


class Settings(Knobs):
    """The tag set, how tags are written, what is learnable, and how alike near-duplicates are."""

    tags: list[str] | None = Field(min_length=1)
    delimiters: str = Field(min_length=1)
    untagged: Literal["keep", "set_aside"]
    least_examples: int = Field(ge=1)
    twin_similarity: float = Field(gt=0, le=1)
    twin_words: int = Field(ge=1)
    cut_share: float = Field(gt=0, le=1)


def prepare(raw: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a row for every sound event, sorted by time and id, and the quality report.

    After the columns of COLUMNS come `says:<tag>`, 1 where the text says the tag's name, and `target:<tag>`, both in
    alphabetical order of the tag set. A row that a rule of RULES finds fault with is set aside and counted under the
    first such rule. A tag with too few examples, or on every event or none, is reported as not learnable and stays in
    the truth. Refuses a tag outside the tag set that params fix, and a table without a sound event or without a tag.
    """
    raw = raw.reset_index(drop=True)
    rows = _read(raw, settings)
    sound, set_aside = sift(rows, RULES, settings)
    refuse_nothing(rows, sound, set_aside, "events")
    prepared = _derive(sound.sort_values(["time", "id"], ignore_index=True), settings)
    check(prepared, columns(prepared), "events")
    report = {
        "rows_in": len(rows),
        "rows_out": len(prepared),
        "set_aside": set_aside,
        "missing_share": {name: float((prepared[name] == "").mean()) for name in FIELDS},
        "ignored_columns": sorted(set(map(str, raw.columns)) - {column.name for column in RAW}),
        "clusters": twin_counts(prepared["group"]),
        "cut_texts": cut_texts(raw.reindex(sound.index, columns=["description"])["description"], settings.cut_share),
    }
    names = _names(prepared)
    given = prepared[[TARGET + tag for tag in names]].set_axis(names, axis=1)
    return prepared, report | tag_counts(given, prepared["group"], settings.least_examples) | _days(prepared)


def columns(prepared: pd.DataFrame) -> list[Column]:
    """Return the declarations of a prepared table, whose tags are not known beforehand."""
    names = _names(prepared)
    return [
        *COLUMNS,
        *(Column(SAYS + tag, "number", "before", f"1 where the text says {tag}", **FLAG) for tag in names),
        *(Column(TARGET + tag, "number", "after", f"1 where the tag is {tag}", **FLAG) for tag in names),
    ]


def texts(raw: pd.DataFrame) -> pd.DataFrame:
    """Return the name, description and location of events, cleaned; an absent or missing one is empty."""
    given = {name: raw.get(name, pd.Series("", raw.index)) for name in FIELDS}
    return pd.DataFrame({name: values.map(_text) for name, values in given.items()}, dtype=object)


def _read(raw: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    # texts and tags have readers of their own; of the raw ones only whether they are there is looked at
    plain = {name: "" for name in (*FIELDS, "tags") if name in raw}
    rows = delivered(raw.assign(**plain), RAW, "events")
    rows[FIELDS] = texts(raw)
    rows["tags"] = pd.Series([labels(value, settings.delimiters) for value in raw["tags"]], rows.index, dtype=object)
    clock = rows["date"].notna().any()
    rows["time"] = rows["date"] if clock else pd.Series(NO_CLOCK, rows.index).astype(rows["date"].dtype)
    return rows.drop(columns="date")


def _derive(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    tags = _tag_set(rows, settings)
    named = (rows["name"] + " " + rows["description"]).tolist()  # the place alone makes no twins
    group = clusters(named, rows["id"].tolist(), settings.twin_similarity, settings.twin_words)
    keys = {"row_id": rows["id"], "entity": rows["id"], "group": pd.Series(group, dtype=object), "time": rows["time"]}
    given = {TARGET + tag: [float(tag in labels) for labels in rows["tags"]] for tag in tags}
    told = [in_one(fields) for fields in rows[FIELDS].itertuples(index=False)]
    said = pd.DataFrame(says(told, tags), index=rows.index, dtype=float)
    return pd.concat([pd.DataFrame(keys), rows[FIELDS], said, pd.DataFrame(given)], axis=1)


def _tag_set(rows: pd.DataFrame, settings: Settings) -> list[str]:
    found = {tag for labels in rows["tags"] for tag in labels}
    fixed = found if settings.tags is None else {spelling(tag) for tag in settings.tags}
    if unknown := sorted(found - fixed):
        carriers = sum(unknown[0] in labels for labels in rows["tags"])
        raise Refusal(
            f"events: {carriers} rows have the tag {unknown[0]!r}, which prepare.events.tags does not list; "
            f"{suggest(unknown[0], fixed)} Mend the tag, list it, or set the knob to null to take every tag."
        )
    if not found:
        raise Refusal(f"events: none of {len(rows)} rows has a tag; bring some that are tagged.")
    return sorted(fixed)


def _text(value: Any) -> str:
    return "" if missing(value) else clean(str(value))


def _names(prepared: pd.DataFrame) -> list[str]:
    return [str(name).removeprefix(TARGET) for name in prepared if str(name).startswith(TARGET)]


def _days(prepared: pd.DataFrame) -> dict[str, Any]:
    time = prepared["time"]
    if (time == NO_CLOCK).all():
        return {"clock": False}
    return {"clock": True, "first_day": f"{time.min():%Y-%m-%d}", "last_day": f"{time.max():%Y-%m-%d}"}


def _without_id(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["id"].isna()


def _unreadable_tags(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["tags"].isna()


def _unreadable_date(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["unreadable"]


def _undated(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["time"].isna()


def _empty_text(rows: pd.DataFrame, settings: Settings) -> Flags:
    return (rows[FIELDS] == "").all(axis=1)  # such a row would measure the prior and nothing else


def _untagged(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows["tags"].map(len).eq(0) & (settings.untagged == "set_aside")


def _torn(rows: pd.DataFrame, settings: Settings) -> Flags:
    return contradicting(rows, ["id"], [*FIELDS, "time", "tags"])  # nobody can tell which of them is meant


def _twice(rows: pd.DataFrame, settings: Settings) -> Flags:
    return rows.duplicated("id")


# In the order they are asked; each sees only the rows that the ones above let pass.
RULES: dict[str, Callable[[pd.DataFrame, Settings], Flags]] = {
    "missing id": _without_id,
    "unreadable tags": _unreadable_tags,
    "unreadable date": _unreadable_date,
    "missing date": _undated,
    "empty text": _empty_text,
    "untagged": _untagged,
    "several events of one id": _torn,
    "delivered twice": _twice,
}
