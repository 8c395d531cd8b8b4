"""evaluate: predictions → the numbers, each beside what it must beat, with its interval."""

from core import tables
from core.doors import Paths, enter
from core.outputs import write_json
from core.params import knobs, plan, seed
from core.scored import scored
from core.shelf import tool

READS = {"predictions": "data/predictions/{task}.parquet", "prepared": "data/prepared/{task}.parquet"}
WRITES = {
    "scores": "metrics/{task}/scores.json",
    "report": "metrics/{task}/report.json",
    "plots": "metrics/{task}/plots",
}


def main(task: str, reads: Paths, writes: Paths) -> None:
    scorer = tool("evaluate", plan(task).scorer)
    settings = knobs(scorer.Settings, "evaluate", task)
    predictions, prepared = tables.read(reads["predictions"]), tables.read(reads["prepared"])
    scores, report, plots = scorer.evaluate(predictions, prepared, settings, seed())
    write_json({task: scores}, writes["scores"], digits=4)
    write_json({"scored": scored(predictions)} | report, writes["report"])
    writes["plots"].mkdir()
    for name, table in plots.items():
        table.round(6).to_csv(writes["plots"] / f"{name}.csv", index=False)


if __name__ == "__main__":
    enter("evaluate", READS, WRITES, main)
