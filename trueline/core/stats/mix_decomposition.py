"""Mix decomposition: how much of a change of a mean is due to the composition, and how much to rates within cells."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def compute_nested_decomposition(
    counts: Floats, sums: Floats, base_counts: Floats, base_sums: Floats, factors: int
) -> Floats:
    """Split the change of a mean between two periods into the effect of each factor's shares and that within cells.

    `counts` is … × levels of the first factor × … × levels of the last; `sums` has one more axis, of outcomes; the
    leading axes (bootstrap resamples) broadcast between the periods. Returns … × (factors + 1) × outcomes, the effect
    within cells last, whose sum over effects is the change of the mean. This is Kitagawa's decomposition (1955),
    nested: the second factor's shares are those within a level of the first, and so on; both periods have equal weight.
    A cell that only one period has is given the same rate in the other, so that its effect is one of shares. A period
    without rows makes every effect missing.
    """
    period_shares = _compute_conditional_shares(counts, factors)
    base_shares = _compute_conditional_shares(base_counts, factors)
    pairs = zip(period_shares, base_shares, strict=True)
    share_pairs = [_fill_from_counterpart(period_share, base_share) for period_share, base_share in pairs]
    rate, base_rate = _fill_from_counterpart(
        _compute_rate(sums, counts[..., None]), _compute_rate(base_sums, base_counts[..., None])
    )
    mean_rate = (rate + base_rate) / 2
    share_changes = [
        _compute_share_change(factor, share_pairs, period_shares, base_shares) for factor in range(factors)
    ]
    effects = [_sum_factor_axes(share_change[..., None] * mean_rate, factors) for share_change in share_changes]
    cell_share, base_cell_share = _compute_cell_shares(period_shares), _compute_cell_shares(base_shares)
    within_effect = _sum_factor_axes(((cell_share + base_cell_share) / 2)[..., None] * (rate - base_rate), factors)
    decomposition = np.stack([*effects, within_effect], axis=-2)
    empty_periods = _sum_factor_axes(counts, factors, 0) * _sum_factor_axes(base_counts, factors, 0) == 0
    return np.where(empty_periods[..., None, None], np.nan, decomposition)


def compute_level_contributions(
    counts: Floats, sums: Floats, base_counts: Floats, base_sums: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the rise of each level's share, the excess of its rate's rise over that of all levels, and its mean share.

    `counts` and `sums` are … × levels. The rise over all levels is the mean of the levels' rises, weighted by their
    mean shares; so mean share × excess, which shows where a change within levels is concentrated, sums to 0, as does
    the rise of shares. A level that only one period has is given the same rate in the other; a period without rows
    makes all levels missing.
    """
    share, base_share = _compute_rate(counts, _sum_levels(counts)), _compute_rate(base_counts, _sum_levels(base_counts))
    rate, base_rate = _fill_from_counterpart(_compute_rate(sums, counts), _compute_rate(base_sums, base_counts))
    weight, rise = (share + base_share) / 2, rate - base_rate
    return share - base_share, rise - _sum_levels(weight * rise), weight


def compute_total_variation(counts: Floats, base_counts: Floats) -> Floats:
    """Return the total variation distance of compositions over the last axis: half the sum of |share differences|."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share_difference = counts / counts.sum(axis=-1, keepdims=True) - base_counts / base_counts.sum(
            axis=-1, keepdims=True
        )
    return np.asarray(np.abs(share_difference).sum(axis=-1) / 2)


def _sum_levels(levels: Floats) -> Floats:
    return np.asarray(levels.sum(axis=-1, keepdims=True))


def _compute_conditional_shares(counts: Floats, factors: int) -> list[Floats]:
    """Return each factor's shares within the levels of the factors before it, all with the axes of the counts."""
    conditional_shares, parent_counts = [], counts.sum(axis=tuple(range(-factors, 0)), keepdims=True)
    for factor in range(factors):
        later_axes = tuple(range(-factors + factor + 1, 0))
        level_counts = counts.sum(axis=later_axes, keepdims=True) if later_axes else counts
        conditional_shares.append(_compute_rate(level_counts, parent_counts))
        parent_counts = level_counts
    return conditional_shares


def _compute_share_change(
    factor: int, share_pairs: list[tuple[Floats, Floats]], period_shares: list[Floats], base_shares: list[Floats]
) -> Floats:
    period_share, base_share = share_pairs[factor]
    change = (
        (_compute_cell_shares(period_shares[:factor]) + _compute_cell_shares(base_shares[:factor]))
        / 2
        * (period_share - base_share)
    )
    for later_share, later_base_share in share_pairs[factor + 1 :]:
        change = change * (later_share + later_base_share) / 2
    return change


def _compute_cell_shares(shares: list[Floats]) -> Floats:
    """Return the share of each cell, 0 if a level above it is empty."""
    cell_share = np.ones(1)
    for share in shares:
        cell_share = cell_share * np.where(np.isnan(share), 0.0, share)
    return cell_share


def _fill_from_counterpart(period_values: Floats, base_values: Floats) -> tuple[Floats, Floats]:
    """Return both arrays, missing values filled from the other, and with 0 if both are missing."""
    lacks_period, lacks_base = np.isnan(period_values), np.isnan(base_values)
    lacks_both = lacks_period & lacks_base
    period_filled = np.where(lacks_period, base_values, period_values)
    base_filled = np.where(lacks_base, period_values, base_values)
    return np.where(lacks_both, 0.0, period_filled), np.where(lacks_both, 0.0, base_filled)


def _compute_rate(numerator: Floats, denominator: Floats) -> Floats:
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.asarray(
        np.divide(numerator, denominator, out=np.full(shape, np.nan), where=np.broadcast_to(denominator > 0, shape))
    )


def _sum_factor_axes(cells: Floats, factors: int, outcomes: int = 1) -> Floats:
    return np.asarray(cells.sum(axis=tuple(range(-factors - outcomes, -outcomes))))
