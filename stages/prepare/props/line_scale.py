"""Line scale: whether lines that do not say what they are about can be about the quantity that was chosen for them."""

import pandas as pd

from stages.prepare.props.props_settings import Settings
from stages.prepare.props.quotes import find_default_stat
from trueline.core.errors import UserError
from trueline.core.tables.number_parsing import read_numbers

LEAST_LINES = 30  # fewer do not tell of which size lines are
MOST_RATIO, MOST_DISTANCE = 1.5, 1.5  # between the mean line and the mean result: real lines stay within a tenth
NEAR_RATIO = 1.3  # another quantity is proposed if its mean is so near


def reject_other_scale(lines: pd.Series, games: pd.DataFrame, unused: pd.DataFrame, settings: Settings) -> None:
    """Raise UserError if lines are of another size than the results, and name the column whose size they have.

    `lines` has the labels of the `games` that it grades; `unused` are columns of the games that are none of ours.
    """
    lines = lines.dropna()
    if len(lines) < LEAST_LINES or not len(games := games.reindex(lines.index)):
        return
    result, line = games[settings.parts].sum(axis=1).mean(), lines.mean()
    if _is_near(line, result, MOST_RATIO) or abs(line - result) <= MOST_DISTANCE:
        return
    means = games[[name for name in settings.profile.count_names if name in games]].mean()
    numbers = unused.reindex(lines.index).apply(lambda values: read_numbers(values, ""))
    unused_means = numbers.apply(pd.to_numeric, errors="coerce").mean()
    has_default = settings.quantity == find_default_stat(settings.profile)  # of lines that name no quantity
    setting = "give them a column stat with" if has_default else "set prepare.props.quantity:"
    remedy = f"{setting} what they are about"
    if stat := _find_nearest(means, line):
        remedy = f"{setting} {stat}, which is {means[stat]:.3g}, if they are about that"
    elif name := _find_nearest(unused_means, line):
        quantity = settings.profile.usual_quantity or settings.profile.count_names[0]
        remedy = (
            f"the column {name!r} is {unused_means[name]:.3g}; if they are about that, say what it is, such as "
            f"prepare.props.columns: {{{name}: {quantity}}}"
        )
    raise UserError(
        f"lines: no column says what they are about, and their mean is {line:.3g}, where that of {settings.quantity}, "
        f"which was chosen, is {result:.3g}; {remedy}."
    )


def _find_nearest(means: pd.Series, line: float) -> str | None:
    """Return the name of the mean that is nearest to the line, if one is near."""
    near = means[[_is_near(line, mean, NEAR_RATIO) for mean in means]]
    return str((near - line).abs().idxmin()) if len(near) else None


def _is_near(line: float, result: float, most_ratio: float) -> bool:
    return line > 0 and result > 0 and max(line / result, result / line) <= most_ratio
