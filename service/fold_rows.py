"""python -m service.fold_rows FILE …: rows, first and last day of both roles in each final fold, as JSON."""

import json
import sys
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

FINAL = "final"
NONE = "1970-01-01"  # the day of every row where the source tells none


def roles(file: str) -> dict[str, dict[str, Any]]:
    """Return by role how many rows have it in the final fold, and their days; null where there is no clock."""
    rows = pq.read_table(file, columns=["time", FINAL])
    found = {}
    for role in ("fit", "calibrate"):
        times = rows.filter(pc.equal(rows[FINAL], role))["time"]
        ends = pc.min_max(times).as_py() if len(times) else {"min": None, "max": None}
        first, last = (None if end is None else f"{end:%Y-%m-%d}" for end in (ends["min"], ends["max"]))
        clock = (first, last) != (NONE, NONE)
        found[role] = {"rows": len(times), "first": first if clock else None, "last": last if clock else None}
    return found


if __name__ == "__main__":
    print(json.dumps({file: roles(file) for file in sys.argv[1:]}))
