"""features: prepared rows → model inputs, made of what was known at each decision and audited for leaks."""

from typing import Any

import pandas as pd

from trueline.core.errors import UserError
from trueline.core.history import leak_detection
from trueline.core.history.kept_leak_audits import KeptLeakAudits
from trueline.core.history.kept_ratings import KeptRatings
from trueline.core.history.own_inputs import build_inputs
from trueline.core.history.past import Past
from trueline.core.runtime.atomic_outputs import write_json
from trueline.core.runtime.memory import build_key, hash_code, open_memory
from trueline.core.runtime.output_hashes import hash_file
from trueline.core.runtime.params import load_seed, load_settings
from trueline.core.runtime.plugins import forget_plugins, load_guarded_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.tables import table_schema

READS = {"prepared": "data/prepared/{task}.parquet"}
WRITES = {"features": "data/features/{task}.parquet", "audit": "metrics/{task}/leaks.json"}


def main(task: str, reads: Paths, writes: Paths) -> None:
    rows, columns = table_schema.read_table(reads["prepared"]), table_schema.read_declarations(reads["prepared"])
    builder = load_guarded_plugin("features", task)
    settings = load_settings(builder.Settings, "features", task)
    usable = [column for column in columns if not column.evaluation_only]
    history_columns = [column.name for column in usable]
    present_columns = [column.name for column in usable if column.known in ("before", settings.decision)]
    own_columns = [column for column in usable if column.is_own]
    for column in own_columns:
        if column.kind == "text" and column.name not in present_columns:
            print(f"features {task}: {column.name} gives no input, because it is not known at the decision")

    memory, memory_key = open_memory("features"), build_key("ratings", task, hash_code("features"))
    kept_ratings = KeptRatings(memory.load(memory_key)) if memory.is_on else None

    def build_from(present: pd.DataFrame, past: pd.DataFrame, plugin: Any) -> pd.DataFrame:
        history = Past(settings.date_rows(past[history_columns]), kept_ratings=kept_ratings)
        return build_inputs(plugin, present[present_columns], history, settings, own_columns)

    def build_anew(table: pd.DataFrame) -> pd.DataFrame:
        """Return the features by a plugin that remembers nothing of the rows as they are."""
        with forget_plugins():
            return build_from(table, table, load_guarded_plugin("features", task))

    features = build_from(rows, rows, builder)
    if kept_ratings:
        memory.store(memory_key, kept_ratings.write())  # before the audit adds those of other rows
    kept_audits = KeptLeakAudits(memory, task, hash_code("features"), settings.model_dump_json(), repr(columns))
    leaking = leak_detection.audit_features(build_anew, rows, features, columns, settings, load_seed(), kept_audits)
    if leaking:
        raise UserError(
            f"{', '.join(leaking)} change when values that are not yet known change, which is a leak; fix the formula."
        )
    start_inputs: list[str] = []
    if settings.decision == "at_start":
        start_inputs = leak_detection.find_start_inputs(
            lambda table: build_from(table, rows, builder), rows, features, columns
        )
    if start_inputs and "quoted_until" in rows:
        from trueline.core.betting.standing_quotes import reject_untimed_quotes  # only for tasks with quotes

        reject_untimed_quotes(rows, start_inputs, settings.untimed_quotes)
    audit_report = {"audited": len(features.columns), "moments": settings.audits, "leaking": leaking}
    audit_report |= {"decision": settings.decision, "known_at_start": start_inputs}
    table_schema.write_table(pd.concat([rows[["row_id"]], features], axis=1), writes["features"])
    write_json(audit_report | {"features": hash_file(writes["features"])}, writes["audit"])


if __name__ == "__main__":
    run_stage("features", READS, WRITES, main)
