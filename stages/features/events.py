"""Inputs of events: one text of all fields, counts that describe its surface, and the tags that it names."""

import re
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.history.leak_detection import DecisionSettings
from trueline.core.history.own_inputs import select_own_values
from trueline.core.history.past import Past
from trueline.core.stats.group_ops import Floats
from trueline.core.text.cleaning import format_own_values, join_marked_fields
from trueline.core.text.tag_mentions import MENTION_PREFIX
from trueline.core.text.words import find_words

TEXT_FIELDS = ("name", "description", "location")
OWN_FIGURES = None  # own columns become words of the text: no learner of texts reads other inputs

SHOUTED_PATTERN = r"\b[A-Z]{3,}\b"  # BART, but not a DJ
CURRENCY_PATTERN = r"[$€£¥₹]\s?\d|\d\s?[$€£¥₹]"
HOUR_PATTERN = (
    r"(?i)\b(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?\s?[ap]\.?m\b|\b(?:[01]?\d|2[0-3]):[0-5]\d(?!\d)|\b\d{1,2}\s?o['’]clock\b"
)


class Settings(DecisionSettings):
    """Whether each field of the combined text follows a mark with its name."""

    marks: bool


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the inputs of every event, in the order of `current`.

    `text` joins the own columns of the source and the fields that are not empty, with case and punctuation, the fields
    after marks if the settings ask for these (xxname Jazz in the park xxlocation Oakland). Counts and shares describe
    the surface of the text; they are 0 where there is nothing to count. `says:<tag>`, 1 where the text contains the
    tag's own name, is passed on. The past is not used: an event is tagged by its text. Words are encoded inside each
    fold, never here.
    """
    text = _add_own_values(_combine_fields(current, settings.marks), current)
    unmarked_text = _combine_fields(current, marks=False)
    mention_columns = [str(name) for name in current if str(name).startswith(MENTION_PREFIX)]
    return pd.DataFrame({"text": text, **_build_surface_inputs(unmarked_text, current)}, index=current.index).join(
        current[mention_columns]
    )


def _add_own_values(text: pd.Series, current: pd.DataFrame) -> pd.Series:
    """Return the texts after the words of the own columns, which stand first because long texts are cut."""
    own_values = select_own_values(current)
    if own_values.columns.empty:
        return text
    own_rows: Any = own_values.to_dict("records")
    joined = [f"{format_own_values(values)} {fields}".strip() for values, fields in zip(own_rows, text, strict=True)]
    return pd.Series(joined, index=text.index, dtype=object)


def _combine_fields(current: pd.DataFrame, marks: bool) -> pd.Series:
    field_rows = list(zip(*(current[name] for name in TEXT_FIELDS), strict=True))
    texts = [join_marked_fields(dict(zip(TEXT_FIELDS, row, strict=True)), marks) for row in field_rows]
    return pd.Series(texts, index=current.index, dtype=object)


def _build_surface_inputs(text: pd.Series, current: pd.DataFrame) -> dict[str, Floats]:
    word_counts, letter_counts = _count_words(text), _count_matches(text, r"[^\W\d_]")
    capital_counts, digit_counts = (
        text.map(lambda event_text: sum(map(str.isupper, event_text))),
        _count_matches(text, r"\d"),
    )
    return {
        "words": word_counts,
        "name_words": _count_words(current["name"]),
        "location_words": _count_words(current["location"]),
        "word_length": _compute_share(letter_counts, word_counts),
        "capital_share": _compute_share(capital_counts.to_numpy(float), letter_counts),
        "shouted_share": _compute_share(_count_matches(text, SHOUTED_PATTERN), word_counts),
        "digit_share": _compute_share(digit_counts, letter_counts + digit_counts),
        "exclamations": _count_matches(text, "!"),
        "questions": _count_matches(text, r"\?"),
        "currency": _flag_matches(text, CURRENCY_PATTERN),
        "hour": _flag_matches(text, HOUR_PATTERN),
    }


def _count_words(text: pd.Series) -> Floats:
    return np.array([len(find_words(event_text)) for event_text in text], dtype=float)


def _count_matches(text: pd.Series, pattern: str) -> Floats:
    compiled = re.compile(pattern)
    return np.array([sum(1 for _ in compiled.finditer(event_text)) for event_text in text], dtype=float)


def _flag_matches(text: pd.Series, pattern: str) -> Floats:
    compiled = re.compile(pattern)
    return np.array([compiled.search(event_text) is not None for event_text in text], dtype=float)


def _compute_share(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
