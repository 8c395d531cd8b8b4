"""audit: run the stages that learn again with other outcomes of the rows that are scored, and compare predictions."""

import argparse
import dataclasses
from typing import Any

from trueline.core.errors import UserError
from trueline.experiments.running.chain_audit import ChainAudit, audit_chain

HELP = "check that predictions do not depend on the outcomes that they are scored on"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", help="a task whose outputs are in the workspace")
    parser.add_argument("--fold", help="a test fold, such as test_0; one that the data draw by default")


def main(options: argparse.Namespace) -> Any:
    audit = audit_chain(options.task, options.fold)
    if audit.differing:
        raise UserError(_format_audit(audit))
    return dataclasses.asdict(audit) if options.json else [_format_audit(audit)]


def _format_audit(audit: ChainAudit) -> str:
    summary = (
        f"{audit.task}, {audit.fold}: with other outcomes of {audit.exchanged} rows that it scores or does not use, "
        f"{', '.join(audit.stages)} gave {audit.differing} of {audit.compared} predictions another value"
    )
    if audit.example is None:
        return f"{summary}."
    return (
        f"{summary}, the first to {audit.example['row']} ({audit.example['column']}: {audit.example['published']:.6g} "
        f"became {audit.example['rebuilt']:.6g}); something that learns sees what it is scored on."
    )
