"""The noise gate: how often the best of 20 tries without skill passes, and how often real skill does, by skewed blocks.

Every block (a day, a race) has one difference to the current model. In the worlds of luck all tries have none on
average, and the best of 20 is judged; in those of skill a single try is better by 4.2 standard errors, and is judged at
the level of 20 tries. "Before" is the gate without the test that allows for skewness.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from trueline.core.errors import UserError
from trueline.experiments.decisions.paired_bootstrap import (
    DRAWS_BEYOND_LEVEL,
    BlockSums,
    compare_figures,
    compute_level,
    draw_studentised_means,
)

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

TRIES = 20
SKILL_ERRORS = 4.2  # lead of the skilled candidate, in standard errors of the mean over blocks
BLOCK_COUNTS = (30, 60, 100)
# differences with a mean of 0 whose large values are losses, and their standard deviations
DISTRIBUTIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda random, shape: random.standard_normal(shape), 1.0),
    "t, 4 degrees": (lambda random, shape: random.standard_t(4, shape), 2**0.5),
    "exponential": (lambda random, shape: random.exponential(1.0, shape) - 1.0, 1.0),
    "gamma, shape 1/2": (lambda random, shape: random.gamma(0.5, 1.0, shape) - 0.5, 0.5**0.5),
    "lognormal, σ 1/2": (lambda random, shape: random.lognormal(0.0, 0.5, shape) - np.exp(0.125), 0.6039),
    "lognormal, σ 1": (lambda random, shape: random.lognormal(0.0, 1.0, shape) - np.exp(0.5), 2.1612),
}


def main(worlds: str = "400") -> None:
    """Print by distribution and number of blocks the share of luck and of skill that passes, before and after."""
    if not worlds.isdecimal() or int(worlds) < 1:
        raise UserError(f"{worlds!r} is not a number of worlds; give a whole number such as 400.")
    heads = f"{'luck passes, before':>21}{'after':>8}{'skill passes, before':>22}{'after':>8}"
    print(f"{'differences':<18}{'blocks':>7}{heads}")
    for name, (draw, sd) in DISTRIBUTIONS.items():
        for blocks in BLOCK_COUNTS:
            luck = measure_pass_rates(draw, blocks, int(worlds), TRIES, 0.0)
            skill = measure_pass_rates(draw, blocks, int(worlds), 1, SKILL_ERRORS * sd / blocks**0.5)
            print(f"{name:<18}{blocks:>7}{luck[0]:>21.1%}{luck[1]:>8.1%}{skill[0]:>22.1%}{skill[1]:>8.1%}", flush=True)


def measure_pass_rates(draw: Draw, blocks: int, worlds: int, tries: int, lead: float) -> tuple[float, float]:
    """Return the share of worlds in which the best of some tries passes at the level of TRIES, before and after."""
    passed = np.zeros(2)
    for seed in range(worlds):
        differences = draw(np.random.default_rng(seed), (tries, blocks)) - lead
        best = differences[differences.mean(axis=1).argmin()]
        passed += (
            passes_without_skewness(best, seed),
            compare_figures(BlockSums(best, np.ones(blocks)), 0.0, TRIES, seed).is_better,
        )
    return float(passed[0] / worlds), float(passed[1] / worlds)


def passes_without_skewness(differences: Floats, seed: int) -> bool:
    """Return whether the studentised bootstrap and Student's t alone would let the differences pass."""
    level, n = compute_level(TRIES), len(differences)
    statistic = float(differences.mean() / differences.std(ddof=1) * np.sqrt(n))
    if student.cdf(statistic, n - 1) > level:
        return False
    means = draw_studentised_means(differences, int(np.ceil(DRAWS_BEYOND_LEVEL / level)), seed)
    return bool((1 + (means <= statistic).sum()) / (len(means) + 1) <= level)
