"""features: prepared rows → model inputs, made of what was known before each decision, and audited for leaks."""

import pandas as pd

from core import leaks, tables
from core.chosen import chosen
from core.doors import Paths, enter
from core.outputs import write_json
from core.params import knobs, seed
from core.refusals import Refusal
from core.shelf import tool
from core.windows import Past

READS = {"prepared": "data/prepared/{task}.parquet"}
WRITES = {"features": "data/features/{task}.parquet", "audit": "metrics/{task}/leaks.json"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    rows, columns = tables.read(reads["prepared"]), tables.declared(reads["prepared"])
    builder = tool("features", task)
    settings = knobs(builder.Settings, "features", task)
    usable = [column for column in columns if not column.yardstick]
    history = [column.name for column in usable]
    present = [column.name for column in usable if column.known in ("before", settings.decision)]

    def build(table: pd.DataFrame) -> pd.DataFrame:
        return chosen(builder.build(table[present], Past(table[history]), settings), settings)

    features = build(rows)
    if leaking := leaks.audit(build, rows, features, columns, settings, seed()):
        raise Refusal(f"{', '.join(leaking)} change when what is not yet known changes: a leak; mend the formula.")
    audit = {"audited": len(features.columns), "moments": settings.audits, "leaking": leaking}
    write_json(audit | {"decision": settings.decision}, writes["audit"])
    tables.write(pd.concat([rows[["row_id"]], features], axis=1), writes["features"])


if __name__ == "__main__":
    enter("features", READS, WRITES, main)
