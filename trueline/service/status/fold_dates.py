"""Prints the rows, first and last day of both roles in the final fold of each file, as JSON.

Run as `python -m trueline.service.status.fold_dates FILE …`.
"""

import json
import sys
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

FINAL_FOLD = "final"
NO_CLOCK_DAY = "1970-01-01"  # the day of every row if the source has no times


def summarise_fold_roles(file: str) -> dict[str, dict[str, Any]]:
    """Return by role the number of its rows in the final fold and their first and last day, None without a clock."""
    rows = pq.read_table(file, columns=["time", FINAL_FOLD])
    summary = {}
    for role in ("fit", "calibrate"):
        times = rows.filter(pc.equal(rows[FINAL_FOLD], role))["time"]
        ends = pc.min_max(times).as_py() if len(times) else {"min": None, "max": None}
        first_day, last_day = (None if end is None else f"{end:%Y-%m-%d}" for end in (ends["min"], ends["max"]))
        has_clock = (first_day, last_day) != (NO_CLOCK_DAY, NO_CLOCK_DAY)
        summary[role] = {
            "rows": len(times),
            "first": first_day if has_clock else None,
            "last": last_day if has_clock else None,
        }
    return summary


if __name__ == "__main__":
    print(json.dumps({file: summarise_fold_roles(file) for file in sys.argv[1:]}))
