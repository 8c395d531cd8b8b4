"""Duplicate rows: which of several rows of one key to keep, whatever their order in the source."""

import pandas as pd

Flags = pd.Series


def flag_superseded_rows(rows: pd.DataFrame, key: list[str], by: str) -> Flags:
    """Return True for rows that another of the same key supersedes, being greater in `by`: newer, say, or fuller.

    A missing `by` is the smallest. Among equals the row with the smallest other values is kept, compared column by
    column with missing values last.
    """
    repeated_rows = rows[rows.duplicated(key, keep=False)]
    other_columns = [str(name) for name in rows if name not in (*key, by)]
    ranked = repeated_rows.sort_values([by, *other_columns], ascending=[False, *(True for _ in other_columns)])
    return ranked.duplicated(key).reindex(rows.index, fill_value=False)


def flag_older_versions(rows: pd.DataFrame, key: list[str], written_at: str) -> Flags:
    """Return True for rows of whose key a newer row was written, by the times in `written_at`; no time is the oldest.

    Where no row of a key has a time, or its newest rows have the same, none is older.

    >>> rows = pd.DataFrame({"id": [1, 1, 2], "at": pd.to_datetime(["2024-03-01", "2024-03-02", None])})
    >>> flag_older_versions(rows, ["id"], "at").tolist()
    [True, False, False]
    """
    if rows[written_at].isna().all():
        return pd.Series(False, index=rows.index)
    newest = rows.groupby(key)[written_at].transform("max")
    return newest.notna() & (rows[written_at] != newest)


def flag_contradictory_rows(rows: pd.DataFrame, key: list[str], value_columns: list[str]) -> Flags:
    """Return True for rows whose key occurs with several combinations of values in `value_columns`."""
    repeated_rows = rows[rows.duplicated(key, keep=False)]
    versions = repeated_rows.drop_duplicates([*key, *value_columns])
    contradictory_keys = versions[versions.duplicated(key)].set_index(key).index
    return pd.Series(
        rows.index.isin(repeated_rows.index[repeated_rows.set_index(key).index.isin(contradictory_keys)]),
        index=rows.index,
    )
