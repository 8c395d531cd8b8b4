"""Logged predictions: what was predicted live, from a source's table `production`, beside the prepared rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables import raw_sources
from trueline.core.tables.table_schema import Column, Kind, coerce_types

PRODUCTION_TABLE = "production"
LOGGED_PREFIX = "production"  # of the prepared columns
LOG_FIELDS: dict[str, Kind] = {"model": "text", "model_hash": "text", "created_at": "time"}
NEW_NAMES = {"model": "production_model", "model_hash": "production_hash", "created_at": "production_at"}


@dataclass(frozen=True)
class LoggedFields:
    """The fields of a logged prediction that make the id of a prepared row, and those that were seen, with their kind.

    `clean` returns the seen fields as they are in prepared rows, if they are not taken as they were logged.
    """

    key: tuple[str, ...]
    seen_columns: Mapping[str, Kind]
    clean: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def add_logged_predictions(prepared: pd.DataFrame, source: str, fields: LoggedFields) -> pd.DataFrame:
    """Return prepared rows with the newest logged prediction of each, if the source has any of them.

    The columns are `production`, or `production:<target>` of several targets; `production_model`, `production_hash` (of
    the model), `production_at` (UTC), and `production_<field>` for each field that was seen. Raises UserError for a
    table without a column that is needed.
    """
    if PRODUCTION_TABLE not in raw_sources.list_source_tables(source):
        return prepared
    log = raw_sources.read_source_table(source, PRODUCTION_TABLE)
    for name in (*fields.key, "predicted"):
        if name not in log:
            raise UserError(f"production has no column {name!r}; {did_you_mean(name, map(str, log.columns))}")
    newest = _select_newest(_build_logged_columns(log, fields))
    newest = newest[newest.index.isin(prepared["row_id"])]
    if newest.empty:
        return prepared
    columns = newest.reindex(prepared["row_id"]).set_axis(prepared.index)
    return prepared.join(columns.dropna(axis=1, how="all"))


def list_logged_columns(prepared: pd.DataFrame) -> list[Column]:
    """Return the declarations of the columns that `add_logged_predictions` has added."""
    names = [str(name) for name in prepared if str(name).startswith(LOGGED_PREFIX)]
    return [
        Column(name, _find_kind(prepared[name]), "after", "what was logged in production", evaluation_only=True)
        for name in names
    ]


def _build_logged_columns(log: pd.DataFrame, fields: LoggedFields) -> pd.DataFrame:
    """Return the columns of a log by the id of the row that was predicted."""
    log_facts = coerce_types(
        log, [Column(name, kind, "after", "") for name, kind in LOG_FIELDS.items()], PRODUCTION_TABLE
    )
    seen_values = coerce_types(
        log, [Column(name, kind, "after", "") for name, kind in fields.seen_columns.items()], PRODUCTION_TABLE
    )
    if fields.clean:
        seen_values = fields.clean(seen_values.fillna(""))
    columns = [
        _read_predictions(log["predicted"]),
        log_facts.rename(columns=NEW_NAMES),
        seen_values.add_prefix("production_"),
    ]
    row_id = [_format_row_id(values) for values in zip(*(log[name].tolist() for name in fields.key), strict=True)]
    return pd.concat(columns, axis=1).set_axis(pd.Index(row_id, dtype=object), axis=0)


def _read_predictions(predicted: pd.Series) -> pd.DataFrame:
    """Return what was predicted, with a column for each target if a prediction is an object."""
    if not predicted.map(lambda cell: isinstance(cell, Mapping)).any():
        return pd.DataFrame({"production": pd.to_numeric(predicted, errors="coerce")})
    cells = [cell if isinstance(cell, Mapping) else {} for cell in predicted]
    chances = pd.DataFrame(cells, predicted.index).apply(pd.to_numeric, errors="coerce")
    return pd.DataFrame(chances).add_prefix("production:")


def _format_row_id(values: tuple[Any, ...]) -> str | None:
    """Return the id of a prepared row; whole numbers have no decimal point, though a gap made floats of them."""
    if any(pd.isna(value) for value in values):
        return None
    return ":".join(str(int(value) if isinstance(value, float) and value.is_integer() else value) for value in values)


def _select_newest(log: pd.DataFrame) -> pd.DataFrame:
    ordered = log[log.index.notna()].sort_values("production_at", kind="stable", na_position="first")
    return pd.DataFrame(ordered[~ordered.index.duplicated(keep="last")])


def _find_kind(values: pd.Series) -> Kind:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(values) else "text"
