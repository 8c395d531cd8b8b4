"""Own inputs: what the columns that a source has beyond ours say at the decision, and what they said before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.history.input_selection import make_input_table, select_features
from trueline.core.history.past import Past
from trueline.core.stats.group_ops import Codes, Floats, encode_groups, rank_within_group, subtract_group_mean
from trueline.core.tables.table_schema import OWN_PREFIX, Column

Inputs = dict[str, Floats | pd.Series]

ENTITY = "entity"
OUTCOME = "target"
SHRINK_ROWS = 50.0  # the mean surplus of a category is shrunk toward 0 with the weight of this many rows
SHRINK_ENTITY_ROWS = 3.0  # and that of an entity with the category, with this many


@dataclass(frozen=True)
class OwnFigures:
    """Which further figures a task wants of own columns.

    `surplus` is a column that says how much more than expected came out; with `is_field`, the rows of a group compete,
    and numbers are compared within it.
    """

    surplus: str | None = None
    is_field: bool = False


def select_own_values(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the own columns of prepared rows under their names in the source; no column if there are none."""
    names = [str(name) for name in rows.columns if str(name).startswith(OWN_PREFIX)]
    return rows[names].rename(columns=lambda name: str(name).removeprefix(OWN_PREFIX))


def build_inputs(
    builder: Any, current: pd.DataFrame, past: Past, settings: Any, own_columns: Sequence[Column]
) -> pd.DataFrame:
    """Return what a model is given: the selected inputs of a feature plugin and of the own columns, rounded.

    The plugin may say by `OWN_FIGURES` what it wants of own columns; by None, that it uses them itself.
    """
    return select_features(_build_all_inputs(builder, current, past, settings, own_columns), settings)


def _build_all_inputs(
    builder: Any, current: pd.DataFrame, past: Past, settings: Any, own_columns: Sequence[Column]
) -> pd.DataFrame:
    inputs: pd.DataFrame = builder.build(current, past, settings)
    figures = getattr(builder, "OWN_FIGURES", OwnFigures())
    if not own_columns or figures is None:
        return inputs
    own_inputs = build_own_inputs(current, past, own_columns, figures)
    return pd.concat([inputs, own_inputs.set_axis(inputs.index)], axis=1)


def build_own_inputs(
    current: pd.DataFrame, past: Past, own_columns: Sequence[Column], figures: OwnFigures
) -> pd.DataFrame:
    """Return the inputs of own columns, in the order of `current`.

    A column that is known at the decision, because `current` has it, is an input itself; with it come its change since
    the entity's last time and, of a category or flag, past figures by its value and by entity and value. Of any other
    number or flag the entity's earlier values are used; of any other category nothing, because it is not known which.
    """
    group = encode_groups(current["group"]) if figures.is_field else None
    table: Inputs = {}
    for column in own_columns:
        if column.name not in current:
            table |= _build_earlier_values(past, column)
            continue
        table |= _build_present_value(current, past, column, group)
        if column.kind != "number":
            table |= _build_figures_by(past, f"{column.name}:", column.name, figures.surplus, SHRINK_ROWS)
            with_entity = f"{column.name}:entity_"
            table |= _build_figures_by(past, with_entity, (ENTITY, column.name), figures.surplus, SHRINK_ENTITY_ROWS)
    return make_input_table(table, current.index)


def _build_present_value(current: pd.DataFrame, past: Past, column: Column, group: Codes | None) -> Inputs:
    """Return the value, how it differs from that of the entity's last time, and how from those it competes with."""
    name = column.name
    if column.kind == "text":
        return {name: current[name].astype("category"), f"{name}:changed": _flag_changes(current, past, name)}
    values = current[name].to_numpy(float)
    table: Inputs = {name: values, f"{name}:change": values - past.nth_latest(name, ENTITY)}
    if group is not None and column.kind == "number":
        table |= {f"{name}:lead": subtract_group_mean(values, group), f"{name}:rank": rank_within_group(values, group)}
    return table


def _flag_changes(current: pd.DataFrame, past: Past, name: str) -> Floats:
    """Return 1 where the entity's last time was without this category; missing without category or last time.

    The last time was with it if the last time with it was as long ago.
    """
    days, days_with_category = past.days_since_last(ENTITY), past.days_since_last((ENTITY, name))
    is_known = ~np.isnan(days) & current[name].notna().to_numpy()
    return np.where(is_known, days_with_category != days, np.nan)


def _build_figures_by(
    past: Past, prefix: str, by: str | tuple[str, str], surplus: str | None, strength: float
) -> Inputs:
    """Return how many rows of a key there were, their mean outcome, and their mean surplus, shrunk toward 0."""
    rows = past.count(None, by)
    table: Inputs = {f"{prefix}count": rows}
    if past.has_column(OUTCOME):
        table[f"{prefix}{OUTCOME}"] = past.mean(OUTCOME, by)
    if surplus is not None:
        mean_surplus = past.shrunk_rate(surplus, by, strength=strength)
        table[f"{prefix}{surplus}"] = np.where(rows > 0, mean_surplus, np.nan)
    return table


def _build_earlier_values(past: Past, column: Column) -> Inputs:
    if column.kind == "text":
        return {}
    name = column.name
    return {
        f"{name}:last": past.nth_latest(name, ENTITY),
        f"{name}:mean_5": past.mean(name, ENTITY, last=5),
        f"{name}:mean": past.mean(name, ENTITY),
    }
