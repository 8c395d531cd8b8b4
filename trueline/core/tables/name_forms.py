"""Name forms: what of a name is only form, and which names look like one entity in several spellings."""

import re
import unicodedata
from typing import Any

import pandas as pd

APOSTROPHES = str.maketrans(dict.fromkeys("‘’‛ʼʹ`´′＇", "'"))
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
    if has_number:
        name = NUMBER_IN_FRONT.sub("", name)
    return unicodedata.normalize("NFC", " ".join(name.translate(APOSTROPHES).split()).upper())


def reduce_to_letters(name: str) -> str:
    """Return the letters and digits of a name without accents and suffixes, by which `find_near_spellings` compares."""
    decomposed = unicodedata.normalize("NFKD", SUFFIX.sub(" ", name))
    return "".join(letter for letter in decomposed if letter.isalnum())
