"""Events: one text of all fields, what its surface looks like, and which tags it names; nothing is fitted here."""

import re

import numpy as np
import pandas as pd

from core.leaks import Decision
from core.mentions import SAYS
from core.races import Floats
from core.texts import joined
from core.windows import Past

FIELDS = ("name", "description", "location")

WORD = r"\w+"
SHOUTED = r"\b[A-Z]{3,}\b"  # BART, but not a DJ
CURRENCY = r"[$€£¥₹]\s?\d|\d\s?[$€£¥₹]"
HOUR = (
    r"(?i)\b(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?\s?[ap]\.?m\b|\b(?:[01]?\d|2[0-3]):[0-5]\d(?!\d)|\b\d{1,2}\s?o['’]clock\b"
)


class Settings(Decision):
    """Whether the fields of the combined text are announced by a mark each."""

    marks: bool


def build(current: pd.DataFrame, past: Past, settings: Settings) -> pd.DataFrame:
    """Return the inputs of every event, row by row as `current`.

    `text` is the fields that are not empty, one after the other, case and punctuation kept, each after its mark where
    settings ask for marks (xxname Jazz in the park xxlocation Oakland). Counts and shares describe its surface, 0 where
    there is nothing to count; `says:<tag>`, 1 where a tag's own name stands in the text, is passed on. The past is not
    asked: an event is tagged by what it says. Words become numbers inside each fold, never here.
    """
    text = _combined(current, settings.marks)
    plain = _combined(current, marks=False)
    said = [str(name) for name in current if str(name).startswith(SAYS)]
    return pd.DataFrame({"text": text, **_surface(plain, current)}, index=current.index).join(current[said])


def _combined(current: pd.DataFrame, marks: bool) -> pd.Series:
    fields = list(zip(*(current[name] for name in FIELDS), strict=True))
    told = [joined(dict(zip(FIELDS, row, strict=True)), marks) for row in fields]
    return pd.Series(told, index=current.index, dtype=object)


def _surface(text: pd.Series, current: pd.DataFrame) -> dict[str, Floats]:
    words, letters = _count(text, WORD), _count(text, r"[^\W\d_]")
    capitals, digits = text.map(lambda found: sum(map(str.isupper, found))), _count(text, r"\d")
    return {
        "words": words,
        "name_words": _count(current["name"], WORD),
        "location_words": _count(current["location"], WORD),
        "word_length": _share(letters, words),
        "capital_share": _share(capitals.to_numpy(float), letters),
        "shouted_share": _share(_count(text, SHOUTED), words),
        "digit_share": _share(digits, letters + digits),
        "exclamations": _count(text, "!"),
        "questions": _count(text, r"\?"),
        "currency": _found(text, CURRENCY),
        "hour": _found(text, HOUR),
    }


def _count(text: pd.Series, pattern: str) -> Floats:
    compiled = re.compile(pattern)
    return np.array([sum(1 for _ in compiled.finditer(found)) for found in text], dtype=float)


def _found(text: pd.Series, pattern: str) -> Floats:
    compiled = re.compile(pattern)
    return np.array([compiled.search(found) is not None for found in text], dtype=float)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
