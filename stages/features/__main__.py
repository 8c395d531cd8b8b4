"""features: prepared rows → model inputs, made of what was known before each decision, and audited for leaks."""

import pandas as pd

from core import leaks, tables
from core.chosen import select_features
from core.doors import Paths, run_stage
from core.outputs import write_json
from core.params import load_seed, load_settings
from core.refusals import UserError
from core.shelf import load_plugin
from core.windows import Past

READS = {"prepared": "data/prepared/{task}.parquet"}
WRITES = {"features": "data/features/{task}.parquet", "audit": "metrics/{task}/leaks.json"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    rows, columns = tables.read_table(reads["prepared"]), tables.read_declarations(reads["prepared"])
    builder = load_plugin("features", task)
    settings = load_settings(builder.Settings, "features", task)
    usable = [column for column in columns if not column.yardstick]
    history_columns = [column.name for column in usable]
    present_columns = [column.name for column in usable if column.known in ("before", settings.decision)]

    def build_features(table: pd.DataFrame) -> pd.DataFrame:
        return select_features(builder.build(table[present_columns], Past(table[history_columns]), settings), settings)

    features = build_features(rows)
    if leaking := leaks.audit_features(build_features, rows, features, columns, settings, load_seed()):
        raise UserError(f"{', '.join(leaking)} change when what is not yet known changes: a leak; mend the formula.")
    audit_report = {"audited": len(features.columns), "moments": settings.audits, "leaking": leaking}
    write_json(audit_report | {"decision": settings.decision}, writes["audit"])
    tables.write_table(pd.concat([rows[["row_id"]], features], axis=1), writes["features"])


if __name__ == "__main__":
    run_stage("features", READS, WRITES, main)
