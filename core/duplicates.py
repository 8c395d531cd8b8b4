"""Duplicates: which of several rows of one key stands, whatever their order in the source."""

import pandas as pd

Flags = pd.Series


def surpassed(rows: pd.DataFrame, key: list[str], by: str) -> Flags:
    """Return True for rows beside another of the same key that is greater in `by`: newer, say, or fuller.

    A missing `by` is the smallest. Of equals the one whose other values come first stands, column by column.
    """
    several = rows[rows.duplicated(key, keep=False)]
    others = [str(name) for name in rows if name not in (*key, by)]
    ranked = several.sort_values([by, *others], ascending=[False, *(True for _ in others)])
    return ranked.duplicated(key).reindex(rows.index, fill_value=False)


def contradicting(rows: pd.DataFrame, key: list[str], about: list[str]) -> Flags:
    """Return True for rows of a key that comes with several values of the columns `about`."""
    several = rows[rows.duplicated(key, keep=False)]
    versions = several.drop_duplicates([*key, *about])
    torn = versions[versions.duplicated(key)].set_index(key).index
    return pd.Series(rows.index.isin(several.index[several.set_index(key).index.isin(torn)]), index=rows.index)
