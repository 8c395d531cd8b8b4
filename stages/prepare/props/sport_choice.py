"""Sport choice: which sport the games are of, by their columns, and which quantity is predicted."""

from collections.abc import Mapping

import pandas as pd

from stages.prepare.props.props_columns import LINE_COLUMNS
from stages.prepare.props.props_settings import AUTO, Settings
from stages.prepare.props.quantity_words import normalize_quantity
from stages.prepare.props.source_tables import LINE_SYNONYMS, list_game_synonyms
from stages.prepare.props.sports import SPORTS, Sport
from trueline.core.errors import UserError
from trueline.core.tables.column_mapping import find_targets, translate_values

FIRST_SPORT = "basketball"  # that of a source without a statistic of any sport, whose missing columns are then named


def choose_sport(raw: Mapping[str, pd.DataFrame], settings: Settings) -> tuple[Settings, list[str]]:
    """Return the settings with a sport and a quantity, and sentences about what the data decided.

    The sport is the one of whose statistics the games have the most columns, among those with the quantity that is set.
    The quantity is that of the lines if they are all about one, else the usual one of the sport. Raises UserError if
    two sports fit equally, and if no sport has the quantity.
    """
    if AUTO not in (settings.sport, settings.quantity):
        return settings, []
    names = [*map(str, raw["games"].columns), *settings.columns.values()]
    sport = _find_sport(names, settings) if settings.sport == AUTO else settings.sport
    profile = SPORTS[sport].add_own_stats(settings.own_stats)
    quantity = settings.quantity
    if quantity == AUTO:
        quantity = _find_line_quantity(raw.get("lines"), profile, settings) or _choose_usual(names, profile, settings)
    chosen = settings.choose(sport, quantity)
    return chosen, [f"games: of {sport.replace('_', ' ')}, and {quantity} is predicted (prepare.props.sport, quantity)"]


def _find_sport(names: list[str], settings: Settings) -> str:
    candidates = {name: sport.add_own_stats(settings.own_stats) for name, sport in SPORTS.items()}
    if settings.quantity != AUTO:
        candidates = {name: sport for name, sport in candidates.items() if {*settings.parts} <= {*sport.count_names}}
        if not candidates:
            raise UserError(
                f"prepare.props.quantity: {settings.quantity!r} is no quantity of any sport; take one that "
                "docs/props.md tells of, or declare it in prepare.props.own_stats."
            )
    counts = {name: len(_list_stats(names, sport, settings)) for name, sport in candidates.items()}
    most = max(counts.values())
    if not most:
        return FIRST_SPORT if FIRST_SPORT in candidates else next(iter(candidates))
    fitting_sports = [name for name, count in counts.items() if count == most]
    # statistics of one's own belong to every sport, so they alone make a sport of one's own
    fitting_sports = ["own"] if "own" in fitting_sports else fitting_sports
    if len(fitting_sports) > 1:
        raise UserError(
            f"games: its columns fit {' and '.join(fitting_sports)} equally; set prepare.props.sport to "
            "the one that is meant."
        )
    return fitting_sports[0]


def _list_stats(names: list[str], profile: Sport, settings: Settings) -> list[str]:
    """Return the statistics of a sport that the columns hold under any of their names."""
    targets = find_targets(names, profile.stats, settings.columns, list_game_synonyms(profile)).values()
    return [name for name in profile.count_names if name in targets]


def _find_line_quantity(lines: pd.DataFrame | None, profile: Sport, settings: Settings) -> str | None:
    """Return the quantity that all lines are about, in the words of the sport; None if there is no such."""
    if lines is None:
        return None
    targets = find_targets(list(map(str, lines.columns)), LINE_COLUMNS, settings.columns, LINE_SYNONYMS)
    stat_names = [name for name, target in targets.items() if target == "stat"]
    if not stat_names:
        return None
    stats = translate_values(lines[stat_names[0]], settings.values.get("stat", {})).dropna().astype(str)
    quantities = {normalize_quantity(stat) for stat in stats.unique()}
    quantity = quantities.pop() if len(quantities) == 1 else ""
    return quantity if {*quantity.split("+")} <= {*profile.count_names} else None


def _choose_usual(names: list[str], profile: Sport, settings: Settings) -> str:
    """Return the usual quantity of the sport, or the first of its statistics that the games have if they lack that."""
    present_stats = _list_stats(names, profile, settings)
    if not profile.count_names:
        raise UserError(
            "prepare.props: a sport of one's own needs own_stats, such as {kicks: [0, 30]}, and a quantity."
        )
    usual_stat = profile.usual_quantity or profile.count_names[0]
    return usual_stat if usual_stat in present_stats or not present_stats else present_stats[0]
