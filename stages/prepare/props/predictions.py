"""Predictions of props: what another model predicted in production, the newest of each game."""

from dataclasses import dataclass

import pandas as pd

from stages.prepare.props.game_matching import GAME_RULES, join_games
from stages.prepare.props.player_matching import count_unknown_players
from stages.prepare.props.props_columns import KEY_COLUMNS, PRODUCTION_COLUMNS
from stages.prepare.props.props_settings import RowRules, Settings
from trueline.core.tables.coercion import coerce_optional_table
from trueline.core.tables.duplicate_rows import flag_superseded_rows
from trueline.core.tables.row_filters import Counts, filter_rows

NEW_NAMES = {"predicted": "production", "created_at": "production_at", "model_hash": "production_hash"}
NEW_NAMES |= {name: f"production_{name}" for name in ("model", "line", "line_type")}


@dataclass(frozen=True)
class LoggedPredictions:
    """Predictions by row of the games, the rows of the table that count, and what became of the others."""

    predictions: pd.DataFrame
    kept_rows: pd.DataFrame  # labelled as the table's, with their game_row and made_at; book is missing
    set_aside: Counts
    unknown_players: dict[str, int]  # the commonest


def prepare_predictions(raw: pd.DataFrame | None, game_index: pd.DataFrame, settings: Settings) -> LoggedPredictions:
    """Return the newest prediction of each game. Raises UserError as `join_games` does."""
    predictions = join_games(coerce_optional_table(raw, PRODUCTION_COLUMNS, "production"), game_index, "production")
    unknown_players = count_unknown_players(predictions)
    predictions, counts = filter_rows(predictions.rename(columns=NEW_NAMES), LOG_RULES, settings)
    kept_rows = predictions[["game_row"]].assign(made_at=predictions["production_at"], book=None)
    by_game = predictions.set_index("game_row")[list(NEW_NAMES.values())]
    return LoggedPredictions(by_game, kept_rows, counts, unknown_players)


LOG_RULES: RowRules = {
    "unreadable or missing value": lambda rows, settings: (
        rows["unreadable"] | rows[[*KEY_COLUMNS, "production"]].isna().any(axis=1)
    ),
    **GAME_RULES,
    "older prediction": lambda rows, settings: flag_superseded_rows(
        rows[["game_row", *NEW_NAMES.values()]], ["game_row"], "production_at"
    ),
}
