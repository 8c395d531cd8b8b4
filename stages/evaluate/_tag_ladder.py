"""The ladder of tags: every rung's figures with intervals over clusters, and who beats whom on the same draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.intervals import Interval, verdict
from core.races import Floats
from core.tag_figures import answered, counted, log_loss, of_tags, ranked
from stages.evaluate._tag_board import Answers
from stages.evaluate._tag_draws import Draws

Report = dict[str, Any]

ORDER = ("prior", "tag_name", "floor", "default", "tuned", "natural")  # and the rivals after them
JUDGED = ("micro_f1", "macro_f1", "lrap")  # what rungs are compared by; more is better


@dataclass(frozen=True)
class Judged:
    """A rung's figures on all rows (first) and on every draw."""

    figures: dict[str, Floats]  # (1 + draws) × repeats
    tags: dict[str, Floats]  # precision, recall and f1: (1 + draws) × tags, the mean over repeats

    def __getitem__(self, name: str) -> Floats:
        """Return the mean of a figure over repeats, on all rows and on every draw."""
        return np.asarray(self.figures[name].mean(axis=1))


def judge(truth: Floats, answers: Answers, draws: Draws, tops: Sequence[int]) -> Judged:
    """Return the figures of one rung, each computed on all rows of a repeat; what is no chance has no log loss."""
    means = _means(truth, answers, tops)
    given = answers.given.transpose(1, 0, 2)
    parts = [np.ones((len(truth), 1)), truth, truth[:, None] * given, given, np.stack(list(means.values()), axis=1)]
    size, true, hits, told, totals = _summed(draws, parts)
    counts = hits, told, true[:, None]
    figures = {name: totals[:, number] / size for number, name in enumerate(means)}
    of_each = {name: figure.mean(axis=1) for name, figure in of_tags(*counts).items()}
    return Judged(counted(*counts) | figures, of_each)


def ladder(judged: Mapping[str, Judged], draws: Draws) -> Report:
    """Return every rung's figures with their intervals and their standard deviations over repeats, by rung."""
    return {
        name: {figure: draws.interval(rung[figure]) for figure in rung.figures} | {"sd_over_repeats": spread(rung)}
        for name, rung in judged.items()
    }


def spread(rung: Judged) -> dict[str, float | None]:
    """Return how far each figure lies apart from repeat to repeat; None of a single repeat."""
    firsts = {name: figure[0] for name, figure in rung.figures.items()}
    return {name: float(each.std(ddof=1)) if len(each) > 1 else None for name, each in firsts.items()}


def against(one: Judged, other: Judged, draws: Draws, words: tuple[str, str] = ("better", "worse")) -> Report:
    """Return the one less the other by each figure of JUDGED, on the same draws, and what that says of the one."""
    ahead = {name: draws.interval(one[name] - other[name]) for name in JUDGED}
    return {name: {"difference": each, "verdict": decided(each, words)} for name, each in ahead.items()}


def decided(difference: Interval, words: tuple[str, str]) -> str:
    """Return what a difference says of which more is better: the first word, the second, or undecided."""
    return verdict(difference, better=words[1], worse=words[0])


def resampling(judged: Mapping[str, Judged], draws: Draws) -> Report:
    """Return whether resampling helped, by micro-F1: the tuned arm beside the same on natural rows."""
    if "natural" not in judged:
        return {"verdict": "none", "difference": None}
    found = against(judged["tuned"], judged["natural"], draws, ("helped", "hurt"))
    return {**found["micro_f1"], **{name: found[name] for name in JUDGED[1:]}}


def _means(truth: Floats, answers: Answers, tops: Sequence[int]) -> dict[str, Floats]:
    """Return the figures that are means over rows: each rows × repeats."""
    repeats = []
    for chance, given in zip(answers.chance, answers.given, strict=True):
        losses = {"log_loss": log_loss(truth, chance)} if answers.are_chances else {}
        repeats.append(answered(truth, given) | ranked(truth, chance, tops) | losses)
    return {name: np.column_stack([each[name] for each in repeats]) for name in repeats[0]}


def _summed(draws: Draws, parts: list[Floats]) -> list[Floats]:
    """Return the sums of each part, whose first axis is the rows, in draws × its further axes."""
    flat = [part.reshape(len(part), -1) for part in parts]
    sums = np.split(draws.sums(np.hstack(flat)), np.cumsum([part.shape[1] for part in flat])[:-1], axis=1)
    return [own.reshape(-1, *part.shape[1:]) for own, part in zip(sums, parts, strict=True)]
