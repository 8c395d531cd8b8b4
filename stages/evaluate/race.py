"""race: win probabilities against the uniform guess, the market, the yardstick and our own simpler selves."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.metrics import f1_score, roc_auc_score

from core import intervals, race_logit
from core.params import Knobs
from core.races import TINY, Codes, Floats, codes, losses, normalise, softmax, total, uniform_losses
from core.refusals import Refusal

ARMS = ("tuned", "default", "floor", "natural")
RIDGE = 1e-3  # keeps the weights finite where model and market say the same
Report = dict[str, Any]


class Settings(Knobs):
    """How bets are made and figures are cut."""

    commission: float = Field(ge=0, lt=1)
    margin: float = Field(ge=0)
    bins: int = Field(ge=2)
    blocks: int = Field(ge=2)


def evaluate(
    predictions: pd.DataFrame, prepared: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Report, Report, dict[str, pd.DataFrame]]:
    """Return the headline scores, the report with intervals, and the tables to plot (losses in nats per race)."""
    rows = _rows(predictions, prepared)
    code, won = codes(rows["group"]), rows["target"].to_numpy()
    rungs = _rungs(rows, code)
    loss = {name: losses(p, won, code) for name, p in rungs.items()}
    worst = uniform_losses(code)
    ladder = {name: _rung(each, loss["tuned"], worst, seed) for name, each in loss.items()}
    gain = _gain(rungs, rows, settings, seed)
    verdict = _resampling(loss, seed)
    report = {
        "ladder": ladder,
        "gain_over_market": gain,
        "resampling": verdict,
        "runners": _runners(rungs["tuned"], won, settings.bins, seed),
        "picks": _picks(rungs, won, code),
        "value_bets": _bets(rungs["tuned"], rows, code, settings, seed),
    }
    scores = {
        "races": len(worst),
        "log_loss": ladder["tuned"]["log_loss"]["value"],
        "log_loss_uniform": float(worst.mean()),
        "r2": ladder["tuned"]["r2"]["value"],
        "market_r2": ladder.get("market", {}).get("r2", {}).get("value"),
        "yardstick_r2": ladder.get("yardstick", {}).get("r2", {}).get("value"),
        "gain_over_market": gain["gain"]["value"] if gain else None,
        "resampling": verdict["verdict"],
    }
    return scores, report, _plots(rungs["tuned"], loss, ladder, rows, settings.bins)


def compare(
    one: pd.DataFrame,
    other: pd.DataFrame,
    prepared: pd.DataFrame,
    names: tuple[str, str],
    settings: Settings,
    seed: int,
) -> Report:
    """Return how two runs' tuned arms differ on the same races, race by race: loss, R², and gain over the market.

    Each is the first run's less the second's, races drawn together. Refuses runs that do not hold the same runners.
    """
    first, second = (_rows(each, prepared) for each in (one, other))
    if not first["row_id"].equals(second["row_id"]):
        raise Refusal(f"{names[0]} and {names[1]} do not hold the same runners; compare them on those that both have.")
    code, won = codes(first["group"]), first["target"].to_numpy()
    rungs = [_rungs(rows, code) for rows in (first, second)]
    mine, theirs = (losses(each["tuned"], won, code) for each in rungs)
    ahead = intervals.mean(mine - theirs, seed)
    gained = [_gained(each, first, settings)[0] for each in rungs] if "market" in rungs[0] else None
    return {
        "races": len(mine),
        "log_loss": ahead,
        "r2": intervals.bootstrap(theirs - mine, uniform_losses(code), seed),
        "gain_over_market": intervals.mean(gained[0] - gained[1], seed) if gained else None,
        "sentences": [_compared(ahead, names), _picked(rungs, won, code, names)],
    }


def _compared(ahead: intervals.Interval, names: tuple[str, str]) -> str:
    said = f"The log loss of {names[0]} less that of {names[1]} is {ahead['value']:+.4f}"
    if ahead["low"] is None:
        return f"{said} nats per race: too few races to compare them."
    found = intervals.verdict(ahead, f"{names[0]} is better", f"{names[1]} is better")
    noise = "the difference is noise" if found == "undecided" else found
    return f"{said} ({ahead['low']:+.4f} to {ahead['high']:+.4f}) nats per race on {ahead['n']} races: {noise}."


def _picked(rungs: list[dict[str, Floats]], won: Floats, code: Codes, names: tuple[str, str]) -> str:
    rates = [_picks({"tuned": each["tuned"]}, won, code)["tuned"] for each in rungs]
    shares = [f"{name} {rate['value']:.1%}" for name, rate in zip(names, rates, strict=True)]
    return f"Of the favourites of each, so many win: {', '.join(shares)}."


def _rows(predictions: pd.DataFrame, prepared: pd.DataFrame) -> pd.DataFrame:
    """Return the scored rows with their prices, races together in time order."""
    prices = prepared.set_index("row_id").reindex(predictions["row_id"])
    rows = predictions.assign(**{name: prices[name].to_numpy() for name in ("teacher", "bsp", "benchmark_price")})
    return rows.sort_values(["time", "group", "row_id"], kind="stable", ignore_index=True)


def _rungs(rows: pd.DataFrame, code: Codes) -> dict[str, Floats]:
    """Return each rung's probabilities; the market and the yardstick are missing in races without their price."""
    rungs = {"uniform": normalise(np.ones(len(rows)), code)}
    rungs |= {arm: rows[arm].to_numpy(float) for arm in ARMS if arm in rows}
    if rows["teacher"].notna().any():
        rungs["market"] = rows["teacher"].to_numpy(float)
    if rows["benchmark_price"].notna().any():
        odds_against = 1 / rows["benchmark_price"].to_numpy(float)
        rungs["yardstick"] = odds_against / total(odds_against, code)
    return rungs


def _rung(loss: Floats, tuned: Floats, uniform: Floats, seed: int) -> Report:
    """Return a rung's losses on the races that it priced, and how the tuned model fares on those same races."""
    priced = ~np.isnan(loss)
    rung = {
        "log_loss": intervals.mean(loss[priced], seed),
        "r2": intervals.bootstrap((uniform - loss)[priced], uniform[priced], seed),
    }
    if loss is tuned:
        return rung
    ahead = intervals.mean((tuned - loss)[priced], seed)
    return rung | {"tuned_minus_this": ahead, "tuned_is": intervals.verdict(ahead, "better", "worse")}


def _gain(rungs: dict[str, Floats], rows: pd.DataFrame, settings: Settings, seed: int) -> Report | None:
    """Return what the model adds to the market: the likelihood gain of a two-term logit over the market alone.

    Weights are fitted on the other blocks of races, so a model that adds nothing gains nothing, or less.
    """
    if "market" not in rungs:
        return None
    gained, model, market = _gained(rungs, rows, settings)
    return {
        "gain": intervals.mean(gained, seed),
        "unit": "nats per race, weights fitted on other races",
        "model_weight": model,
        "market_weight": market,
    }


def _gained(rungs: dict[str, Floats], rows: pd.DataFrame, settings: Settings) -> tuple[Floats, float, float]:
    """Return what each race with a price gains (nats), and the weights of model and market on all such races."""
    priced = ~np.isnan(rungs["market"])
    code, won = codes(rows.loc[priced, "group"]), rows.loc[priced, "target"].to_numpy()
    terms = np.log(np.maximum(np.column_stack([rungs["tuned"], rungs["market"]])[priced], TINY))
    block = code * settings.blocks // (code.max() + 1)
    gained = _loss_elsewhere(terms[:, 1:], won, code, block) - _loss_elsewhere(terms, won, code, block)
    model, market = _weights(terms, won, code)
    return gained, model, market


def _loss_elsewhere(terms: Floats, won: Floats, code: Codes, block: Codes) -> Floats:
    score = np.empty(len(won))
    for number in np.unique(block):
        here, there = block == number, block != number
        others = codes(pd.Series(code[there]))
        score[here] = terms[here] @ _weights(terms[there], won[there], others)
    return losses(softmax(score, code), won, code)


def _weights(terms: Floats, won: Floats, code: Codes) -> Floats:
    return race_logit.fit(terms, won, np.ones(len(won)), code, RIDGE)


def _resampling(loss: dict[str, Floats], seed: int) -> Report:
    if "natural" not in loss:
        return {"verdict": "none", "difference": None}
    difference = intervals.mean(loss["tuned"] - loss["natural"], seed)
    return {"verdict": intervals.verdict(difference), "difference": difference}


def _runners(p: Floats, won: Floats, bins: int, seed: int) -> Report:
    """Return the figures of single runners, beside the base rates without which they mean nothing."""
    winner = won > 0
    base = float(winner.mean())
    table = _reliability(p, won, bins)
    return {
        "brier": intervals.mean(np.square(p - won), seed),
        "brier_of_base_rate": float(np.square(won.mean() - won).mean()),
        "ece": float((table["runners"] * (table["predicted"] - table["observed"]).abs()).sum() / len(p)),
        "auc": float(roc_auc_score(winner, p)) if 0 < base < 1 else None,
        "f1": float(f1_score(winner, p >= 0.5, zero_division=0)),
        "f1_of_always_win": 2 * base / (1 + base),
        "accuracy": float(((p >= 0.5) == winner).mean()),
        "accuracy_of_never_win": 1 - base,
        "runners": len(p),
    }


def _picks(rungs: dict[str, Floats], won: Floats, code: Codes) -> dict[str, intervals.Interval]:
    """Return how often each rung's most likely runner wins (a dead heat counts its share)."""
    rates = {}
    for name in rungs.keys() - {"uniform"}:
        priced = ~np.isnan(rungs[name])
        table = pd.DataFrame({"code": code, "p": rungs[name], "won": won})[priced]
        picked = table.loc[table.groupby("code")["p"].idxmax(), "won"]
        rates[name] = intervals.wilson(float(picked.sum()), len(picked))
    return rates


def _bets(p: Floats, rows: pd.DataFrame, code: Codes, settings: Settings, seed: int) -> Report | None:
    """Return the yield of one unit on every runner whose price pays more than it should, after commission."""
    price, won, kept = rows["bsp"].to_numpy(float), rows["target"].to_numpy(), 1 - settings.commission
    with np.errstate(invalid="ignore"):
        chosen = p * (1 + (price - 1) * kept) > 1 + settings.margin
    if not chosen.any():
        return None
    gross = won * price - 1
    profit = np.where(chosen, np.where(gross > 0, gross * kept, gross), 0.0)
    won_of_race = np.bincount(code, weights=np.nan_to_num(profit)).astype(float)
    staked = np.bincount(code, weights=chosen).astype(float)
    return {
        "yield": intervals.bootstrap(won_of_race, staked, seed),
        "bets": int(chosen.sum()),
        "share_of_runners": float(chosen.mean()),
        "commission": settings.commission,
    }


def _reliability(p: Floats, won: Floats, bins: int) -> pd.DataFrame:
    """Return what was predicted and what happened in bins of equal count."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    rates = [intervals.wilson(float(won[part].sum()), len(part)) for part in parts]
    return pd.DataFrame(
        {
            "predicted": [float(p[part].mean()) for part in parts],
            "observed": [rate["value"] for rate in rates],
            "low": [rate["low"] for rate in rates],
            "high": [rate["high"] for rate in rates],
            "runners": [len(part) for part in parts],
        }
    )


def _plots(
    p: Floats, loss: dict[str, Floats], ladder: Report, rows: pd.DataFrame, bins: int
) -> dict[str, pd.DataFrame]:
    month = rows.drop_duplicates("group")["time"].dt.strftime("%Y-%m").to_numpy()
    shown = {name: each for name, each in loss.items() if name in ("uniform", "floor", "tuned", "market", "yardstick")}
    months = pd.DataFrame(shown).groupby(month).mean().rename_axis("month").reset_index()
    rungs = pd.DataFrame([{"rung": name, "r2": rung["r2"]["value"]} for name, rung in ladder.items()])
    return {"reliability": _reliability(p, rows["target"].to_numpy(), bins), "months": months, "ladder": rungs}
