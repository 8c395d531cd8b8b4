"""Box numbers: a runner's box or cloth number that a source writes into its name, though not into one name only."""

import pandas as pd

# "#3 Name", "3 Name", "3) Name", "(3) Name", "T3 Name" and "Name (3)"
FORMS = (r"(?i)^\s*(?:#|no\.?\s*|t|[(\[])?(\d{1,2})\s*[.)\]:\-]?\s+(?=\S)", r"\s*[(\[](\d{1,2})[)\]]\s*$")
LEAST_SHARE = 0.9  # of the names that have a number in one place, if it is none of theirs


def drop_box_numbers(names: pd.Series, races: pd.Series) -> pd.Series:
    """Return names without a number in front or behind if nearly all have one, and those of a race differ.

    >>> drop_box_numbers(pd.Series(["#1 Bold Crow", "#2 Grey Heron"]), pd.Series(["r1", "r1"])).tolist()
    ['Bold Crow', 'Grey Heron']
    """
    text = names.dropna().astype(str)
    for form in FORMS:
        distinct = pd.Series(text.unique(), dtype=str)
        number_of_name = distinct.str.extract(form, expand=False).set_axis(distinct).dropna()
        numbers = text.map(number_of_name).dropna()
        if len(numbers) < max(LEAST_SHARE * len(text), 2):
            continue
        is_repeated = pd.DataFrame({"race": races.reindex(numbers.index), "number": numbers}).duplicated()
        if is_repeated.mean() <= 1 - LEAST_SHARE:
            text = text.str.replace(form, "", regex=True)
    return names.where(names.isna(), text.reindex(names.index)).astype(object)
