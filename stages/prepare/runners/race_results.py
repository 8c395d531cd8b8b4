"""Results: who won, who was placed where, and who did not run, in the words of the sources."""

import re

import numpy as np
import pandas as pd

WON_WORDS = ("winner", "win", "won", "w")
LOST_WORDS = ("loser", "lose", "lost", "l")
WITHDRAWN_WORDS: tuple[str, ...] = ("removed", "scratched", "scr", "nr", "non runner", "non-runner", "withdrawn", "wd")
WITHDRAWN_WORDS += ("dns", "did not start", "scratching", "vet scratched", "non starter", "ns", "late scr")
WITHDRAWN_WORDS += ("wv", "wv-a", "wx", "wx-a", "wxnr", "late scratching", "reserve")
UNFINISHED_WORDS: tuple[str, ...] = ("f", "fell", "pu", "ur", "ro", "bd", "su", "ref", "rr", "lft", "co", "dnf")
UNFINISHED_WORDS += ("dsq", "disq", "dq", "fe", "tnp", "np", "brd", "bb", "fl", "nf")
UNFINISHED_WORDS += ("did not finish", "pulled up", "unseated rider", "unseated", "brought down", "refused", "fall")
UNFINISHED_WORDS += ("carried out", "slipped up", "ran out", "disqualified", "lost rider", "left at start", "eased")
LEAST_CODE = 40  # no field is that large: such a place, or 0, stands for none
# 1, 1st, 1=, =1, T1 and 1 DH: the marks stand for a shared place
PLACE_PATTERN = re.compile(
    r"(?P<before>[=t])?\s*(?P<place>\d{1,3})(?:\.0)?(?:st|nd|rd|th)?\s*(?P<behind>=|dh|t)?(?:\s*(?:/|of)\s*\d+)?"
)


def read_results(raw: pd.DataFrame) -> pd.DataFrame:
    """Return a raw table whose words for results are numbers; cells that are neither stay as they came.

    Fills `scratched` and `dead_heat` where the words say so. A runner that did not finish has no place and, if nothing
    else says so, has not won.
    """
    columns: dict[str, pd.Series] = {}
    if "place" in raw and pd.api.types.is_numeric_dtype(raw["place"]):
        columns["place"] = raw["place"].mask((raw["place"] == 0) | (raw["place"] >= LEAST_CODE))
    is_withdrawn = pd.Series(False, index=raw.index)
    for name in ("won", "placed"):
        if name in raw and not pd.api.types.is_numeric_dtype(raw[name]):
            cell_words = _to_words(raw[name])
            is_withdrawn |= cell_words.isin(WITHDRAWN_WORDS)
            placed = 1.0 if name == "placed" else 0.0
            numbers = {WON_WORDS: 1.0, LOST_WORDS: 0.0, ("placed",): placed, WITHDRAWN_WORDS: np.nan}
            columns[name] = _replace(raw[name], cell_words, numbers)
    if "place" in raw and not pd.api.types.is_numeric_dtype(raw["place"]):
        cell_words = _to_words(raw["place"])
        is_withdrawn |= cell_words.isin(WITHDRAWN_WORDS)
        columns["place"], is_shared, is_unfinished = read_places(raw["place"])
        if is_shared.any():
            columns["dead_heat"] = raw.get("dead_heat", pd.Series(np.nan, raw.index)).mask(is_shared, 1.0)
        won = columns.get("won", raw.get("won", pd.Series(np.nan, raw.index)))
        columns["won"] = won.mask(is_unfinished & won.isna(), 0.0)
    if is_withdrawn.any():
        columns["scratched"] = raw.get("scratched", pd.Series(0.0, raw.index)).mask(is_withdrawn, 1.0)
    return raw.assign(**columns)


def read_places(values: pd.Series) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Return finishing places as numbers, whether each is shared, and whether the runner did not finish.

    A word for not finishing or not running is no place; other cells that are none stay as they came.
    """
    cell_words = _to_words(values)
    matches = {text: match for text in cell_words.dropna().unique() if (match := PLACE_PATTERN.fullmatch(text))}
    finish_place = cell_words.map({text: float(match["place"]) for text, match in matches.items()}).astype(float)
    shared_words = [text for text, match in matches.items() if match["before"] or match["behind"]]
    is_unfinished = cell_words.isin(UNFINISHED_WORDS)
    is_failed = (
        cell_words.notna() & finish_place.isna() & ~cell_words.isin([*UNFINISHED_WORDS, *WITHDRAWN_WORDS, "0", "-"])
    )
    finish_place = finish_place.mask((finish_place == 0) | (finish_place >= LEAST_CODE))
    read = finish_place.astype(object).mask(is_failed, values.astype(object)) if is_failed.any() else finish_place
    return read, cell_words.isin(shared_words), is_unfinished


def _to_words(values: pd.Series) -> pd.Series:
    cell_words = values.astype("string").str.strip().str.lower()
    return cell_words.mask(cell_words == "").astype(object)


def _replace(values: pd.Series, cell_words: pd.Series, numbers: dict[tuple[str, ...], float]) -> pd.Series:
    number_by_word = {synonym: number for synonyms, number in numbers.items() for synonym in synonyms}
    is_known = cell_words.isin(list(number_by_word))
    return values.astype(object).mask(is_known, cell_words.map(number_by_word).astype(object))
