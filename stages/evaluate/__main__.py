"""evaluate: predictions → metrics with confidence intervals, each next to the baselines it has to beat.

The headline scores are in the report; diagnose publishes them in scores.json, with its verdict on whether they can be
believed.
"""

import json
from dataclasses import asdict
from importlib import import_module

from trueline.core.runtime.atomic_outputs import convert_to_json, write_json
from trueline.core.runtime.params import load_seed, load_settings, load_task_config
from trueline.core.runtime.plugins import load_plugin
from trueline.core.runtime.stage_entry import Paths, run_stage
from trueline.core.scorer_description import describe_comparison
from trueline.core.splits.test_set_hash import describe_scored_rows
from trueline.core.tables import table_schema

READS = {
    "predictions": "data/predictions/{task}.parquet",
    "prepared": "data/prepared/{task}.parquet",
    "audit": "metrics/{task}/leaks.json",
}
WRITES = {
    "report": "metrics/{task}/report.json",
    "plots": "metrics/{task}/plots",
}


def main(task: str, reads: Paths, writes: Paths) -> None:
    scorer_name = load_task_config(task).scorer
    scorer = load_plugin("evaluate", scorer_name)
    description = import_module(f"{scorer.__name__}.{scorer_name}_report").DESCRIPTION
    settings = load_settings(scorer.Settings, "evaluate", task)
    predictions, prepared = table_schema.read_table(reads["predictions"]), table_schema.read_table(reads["prepared"])
    inputs_known = "at_start" if json.loads(reads["audit"].read_text()).get("known_at_start") else "before"
    timed = predictions.assign(inputs_known=inputs_known)
    scores, report, plots = scorer.evaluate(timed, prepared, settings, load_seed())
    headline = {"scored": describe_scored_rows(predictions), "scores": convert_to_json(scores, digits=4)}
    described = {"comparison": describe_comparison(description)}
    described |= {"gap_measure": asdict(description.gap)} if description.gap else {}
    write_json(headline | report | described, writes["report"])
    writes["plots"].mkdir()
    for name, table in plots.items():
        table.round(6).to_csv(writes["plots"] / f"{name}.csv", index=False)


if __name__ == "__main__":
    run_stage("evaluate", READS, WRITES, main)
