"""Table differences: in how many values two tables with named rows differ to the last bit, and where first."""

from typing import Any

import pandas as pd


def describe_differences(published: pd.DataFrame, rebuilt: pd.DataFrame) -> dict[str, Any]:
    """Return the number of values `compared`, of those `differing`, and the first of these as an `example`, or None.

    A row or column that only one table has counts as missing in the other; two missing values are equal. Row and column
    names must be unique.

    >>> published = pd.DataFrame({"tuned": [0.5, None]}, index=["a", "b"])
    >>> describe_differences(published, published + 1)["example"]
    {'row': 'a', 'column': 'tuned', 'published': 0.5, 'rebuilt': 1.5}
    """
    index, columns = published.index.union(rebuilt.index), published.columns.union(rebuilt.columns)
    before, after = (table.reindex(index=index, columns=columns).astype(object) for table in (published, rebuilt))
    differs = ((before != after) & ~(before.isna() & after.isna())).to_numpy()
    example = None
    if differs.any():
        row, column = divmod(int(differs.argmax()), len(columns))
        values = {"published": before.iat[row, column], "rebuilt": after.iat[row, column]}
        example = {"row": str(index[row]), "column": str(columns[column])} | values
    return {"compared": int(differs.size), "differing": int(differs.sum()), "example": example}
