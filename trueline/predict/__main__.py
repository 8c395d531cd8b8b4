"""`python -m trueline predict TASK [CARD] --out FILE`: predict what is to come, and log what was predicted."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from trueline.core.errors import UserError
from trueline.predict.predict_card import predict_card
from trueline.predict.table_output import require_output_file, write_predictions
from trueline.service.settings import Settings


def main(arguments: list[str] | None = None) -> None:
    """Predict a card and write the predictions; print what must be known of them."""
    options = _parse_arguments(arguments)
    require_output_file(options.out)
    root = Path(".")
    moment = _parse_moment(options.now)
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
    parser.add_argument("--log", default=Settings.log, help="folder of the prediction log, or '' to log nothing")
    return parser.parse_args(arguments)


def _parse_moment(text: str | None) -> pd.Timestamp:
    """Return a moment in UTC without offset. Raises UserError for a text that is none."""
    if text is None:
        return pd.Timestamp.now("UTC").tz_localize(None)
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        raise UserError(f"--now {text!r} is no time; write it as 2024-04-30T09:00, in UTC.") from None
    return moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"predict: {error}")
