"""`python -m trueline predict TASK [CARD] --out FILE`: predict what is to come, and log what was predicted."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError
from trueline.predict.event_starts import parse_moment
from trueline.predict.predict_card import predict_card
from trueline.predict.table_output import require_output_file, write_predictions
from trueline.predict.tag_requests import ask_for_tags
from trueline.service.settings import Settings


def main(arguments: list[str] | None = None) -> None:
    """Predict a card and write the predictions; print what must be known of them."""
    options = _parse_arguments(arguments)
    require_output_file(options.out)
    root = Path(".")
    moment = parse_moment(options.now)
    if options.ask is not None:
        _write_texts_to_tag(root, options, moment)
        return
    log_folder = root / options.log if options.log else None
    predicted = predict_card(root, options.task, options.card, moment, options.model, log_folder)
    write_predictions(predicted.table, options.out)
    for note in predicted.notes:
        print(f"predict {options.task}: {note}")
    print(f"predict {options.task}: {len(predicted.table)} rows of {predicted.version} are in {options.out}", end="")
    print(f"; {predicted.logged} new predictions are in {log_folder / options.task}" if log_folder else "")


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trueline predict", description="Predict what is to come.")
    parser.add_argument("task", help="the task, such as racing")
    parser.add_argument(
        "card",
        nargs="?",
        type=Path,
        help="file, folder or database without outcomes; without it, what is to come in the source",
    )
    parser.add_argument("--out", type=Path, required=True, help="file to write: .csv, .parquet or .json")
    parser.add_argument("--model", help="promoted model, such as racing-model#prod; without it, the workspace's")
    parser.add_argument("--now", help="when it is, in UTC, such as 2024-04-30T09:00; without it, the clock says")
    parser.add_argument("--ask", type=_parse_count, metavar="N", help="write N texts to tag instead of predictions")
    parser.add_argument("--log", default=Settings.log, help="folder of the prediction log, or '' to log nothing")
    return parser.parse_args(arguments)


def _write_texts_to_tag(root: Path, options: argparse.Namespace, moment: pd.Timestamp) -> None:
    """Write the texts whose tags would teach most, and print what to do with them."""
    table, notes = ask_for_tags(root, options.task, options.card, moment, options.ask, options.model)
    write_predictions(table, options.out)
    print(f"predict {options.task}: {len(table)} texts to tag are in {options.out}")
    for note in notes:
        print(f"predict {options.task}: {note}")


def _parse_count(text: str) -> int:
    """Return a whole number from 1 on. Raises the error that argparse prints for any other text."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of texts; give a whole number such as 20.")
    return int(text)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"predict: {error}")
