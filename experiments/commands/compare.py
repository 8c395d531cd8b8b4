"""compare: what two runs were made from, and whether their difference is more than noise, on the same test rows."""

import argparse
from typing import Any

from core.refusals import Refusal
from experiments import layout
from experiments.registry import Registry

HELP = "two runs judged on the same rows, paired"
WORKSPACE = "workspace"
SHOWN = 10  # parameters and files that differ


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", help=f"[TASK] ONE OTHER: experiments, git revisions, or {WORKSPACE}")
    parser.add_argument("--task", help="of which task; else all that both are about")
    parser.add_argument("--common", action="store_true", help="compare the rows that both have, where others differ")


def main(asked: argparse.Namespace) -> Any:
    *before, one, other = asked.runs if len(asked.runs) in (2, 3) else _miscounted(asked.runs)
    task = before[0] if before else asked.task
    found = Registry().compare(one, other, task, asked.common)
    if asked.json:
        return found[task] if before else found
    lines = [line for name, each in found.items() for line in (*_lines(each, None if task else name), "")]
    return lines[:-1]


def _miscounted(runs: list[str]) -> list[str]:
    raise Refusal(f"compare takes two runs, perhaps after a task, and {len(runs)} came: compare [TASK] ONE OTHER.")


def _lines(found: dict[str, Any], task: str | None) -> list[str]:
    verdicts = [_verdict(each) for each in found["metrics"]]
    sources = {
        "parameters": [f"{path}: {one} → {other}" for path, (one, other) in found["params"].items()],
        "data": [f"{path}: {_short(one)} → {_short(other)}" for path, (one, other) in found["data"].items()],
        "code": found["code"],
    }
    same = [word for word, differing in sources.items() if not differing]
    lines = [f"{task}, {found['rows']:,} rows:"] if task else []
    lines += [line for said in (*found["sentences"], *verdicts) for line in layout.wrapped(said)]
    for word, differing in sources.items():
        lines += _listed(word, differing)
    return lines + ([f"no difference in {' or '.join(same)}"] if same else [])


def _verdict(each: dict[str, Any]) -> str:
    within = "" if each["low"] is None else f" ({each['low']:+.4f} to {each['high']:+.4f})"
    values = " against ".join(layout.number(value) for value in each["values"])
    return f"{each['of']}: {each['verdict']}, {values}, difference {each['difference']:+.4f}{within}"


def _listed(word: str, differing: list[str]) -> list[str]:
    if not differing:
        return []
    more = [f"  and {len(differing) - SHOWN} more"] if len(differing) > SHOWN else []
    return [f"differing {word}:", *(layout.cut(f"  {line}") for line in differing[:SHOWN]), *more]


def _short(md5: str | None) -> str:
    return md5[:7] if md5 else "none"
