"""Name forms: what of a name is only form, and which names look like one entity in several spellings."""

import html
import re
import unicodedata
from typing import Any

import pandas as pd

APOSTROPHES = str.maketrans(dict.fromkeys("‘’‛ʼʹ`´′＇", "'"))
# marks of direction and of breaks, and a misplaced byte-order mark: seen by nobody
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
SUFFIX = re.compile(r"\([^()]*\)|\b(?:JR|SR|II|III|IV)\b\.?")  # a country, a generation: often told by one source only
NUMBER_IN_FRONT = re.compile(r"^\s*\d{1,2}\s*[.)](?:\s+(?=\S)|(?=[^\d\s]))")


def normalize_entity(names: pd.Series, has_number: bool = False) -> pd.Series:
    """Return names without differences that are only form: case, spaces, apostrophes and how accents are encoded.

    With `has_number` a number in front ("3. Name") is dropped, which is a runner's box or cloth, not its name.

    >>> normalize_entity(pd.Series(["3. O’Neill  bay", "O'Neill Bay "]), has_number=True).unique().tolist()
    ["O'NEILL BAY"]
    """
    normal_form = {name: normalize_name(str(name), has_number) for name in names.dropna().unique()}
    return names.map(normal_form).astype(object)


def find_near_spellings(names: pd.Series) -> list[dict[str, Any]]:
    """Return groups of names that differ only in accents, punctuation, spaces or a suffix such as (IRE) or Jr.

    `names` holds one name a row, in its normal form. Each group gives the names, the commonest first, and their rows;
    groups with the most rows come first.

    >>> find_near_spellings(pd.Series(["BO ÉCLAIR", "BO ECLAIR (FR)", "BO ÉCLAIR"]))
    [{'names': ['BO ÉCLAIR', 'BO ECLAIR (FR)'], 'rows': [2, 1]}]
    """
    counts = names.value_counts().rename_axis("name").reset_index(name="rows")
    counts["skeleton"] = [reduce_to_letters(str(name)) for name in counts["name"]]
    alike = counts[counts.duplicated("skeleton", keep=False) & (counts["skeleton"] != "")]
    alike = alike.sort_values(["rows", "name"], ascending=[False, True])
    groups = [
        {"names": group["name"].tolist(), "rows": group["rows"].tolist()} for _, group in alike.groupby("skeleton")
    ]
    return sorted(groups, key=lambda group: (-sum(group["rows"]), group["names"][0]))


def normalize_name(name: str, has_number: bool = False) -> str:
    """Return one name as `normalize_entity` does."""
    if "&" in name:
        name = html.unescape(name)
    if has_number:
        name = NUMBER_IN_FRONT.sub("", name)
    visible = INVISIBLE.sub("", name.translate(APOSTROPHES))
    return unicodedata.normalize("NFC", " ".join(visible.split()).upper())


def unify_spellings(values: pd.Series) -> pd.Series:
    """Return names in one spelling each, the commonest of those that differ only in form, else the first by letters.

    >>> unify_spellings(pd.Series(["Ardley", "ARDLEY ", "Ardley", None])).tolist()
    ['Ardley', 'Ardley', 'Ardley', None]
    """
    counts = values.value_counts().rename_axis("name").reset_index(name="rows")
    counts["form"] = [normalize_name(str(name)) for name in counts["name"]]
    if not counts["form"].duplicated().any():
        return values
    best = counts.sort_values(["rows", "name"], ascending=[False, True]).drop_duplicates("form").set_index("form")
    spelling = counts.set_index("name")["form"].map(best["name"])
    return values.map(spelling).astype(object).where(values.notna(), None)


def reduce_to_letters(name: str) -> str:
    """Return the letters and digits of a name without accents and suffixes, by which `find_near_spellings` compares."""
    decomposed = unicodedata.normalize("NFKD", SUFFIX.sub(" ", name))
    return "".join(letter for letter in decomposed if letter.isalnum())
