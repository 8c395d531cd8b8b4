"""Past-only aggregates of two million rows: core.windows against pandas and Polars, answers asserted equal.

CPU seconds of the computation alone, the best of a few rounds taken in turn; Polars counts all its threads. Every
contender starts from its own table in time order and ends with one array per figure in that order.
"""

import tracemalloc
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from core.windows import Past

Answers = dict[str, np.ndarray]
Contender = Callable[[pd.DataFrame, pl.DataFrame], Answers]

ROWS, KEYS, DAYS, ROUNDS = 2_000_000, 20_000, 3 * 365, 3
COLUMNS = [f"x{number}" for number in range(5)]
FIGURES = ("mean", "sum", "count")
WINDOWS = (7, 30, 90)  # days
LAST = 10  # rows


def main() -> None:
    """Print CPU seconds, ratios and goals for windows of days and of rows, and the peak of memory."""
    table = history(ties=True)
    days = {"Past": past_figures, "pandas": pandas_figures, "Polars": polars_figures, "Polars, _by": polars_figures_by}
    compare("5 columns × mean, sum, count of 30 days", days, table, 1 / 2)
    means = {"Past": past_means, "pandas": pandas_means, "Polars": polars_means}
    compare("5 columns × mean of 7, 30, 90 days", means, table, 1 / 2)
    rows = {"Past": past_rows, "Polars, sums by hand": polars_sums}
    compare("5 columns × mean, std of the last 10 rows, ties kept apart", rows, table, 1 / 4)
    single = {"Past": past_rows, "pandas": pandas_rows, "Polars": polars_rows}
    compare("the same where no rows tie", single, history(ties=False), 1 / 4)
    weigh(table)


def history(ties: bool) -> pd.DataFrame:
    """Rows in time order, a quarter of an hour apart at least; two of five columns lack one value in twenty."""
    random = np.random.default_rng(0)
    quarter = np.sort(random.integers(0, DAYS * 96, ROWS))
    time = np.datetime64("2020-01-01", "us") + quarter * np.timedelta64(15, "m")
    table = pd.DataFrame({"key": random.integers(0, KEYS, ROWS), "time": time})
    for number, column in enumerate(COLUMNS):
        table[column] = random.normal(10, 5, ROWS)
        if number < 2:
            table.loc[random.random(ROWS) < 0.05, column] = np.nan
    return table if ties else table.drop_duplicates(["key", "time"], ignore_index=True)


def compare(title: str, contenders: dict[str, Contender], table: pd.DataFrame, goal: float) -> None:
    """Time the contenders in turn, assert that they agree with the first, and print the ratio to the best other."""
    frame = pl.from_pandas(table)
    seconds = dict.fromkeys(contenders, np.inf)
    for turn in range(ROUNDS):
        answers: dict[str, Answers] = {}
        for name, contender in contenders.items():
            begin = process_time()
            answers[name] = contender(table, frame)
            seconds[name] = min(seconds[name], process_time() - begin)
        if not turn:
            agree(table, answers)
    first, *others = seconds.values()
    print(title)
    for name, spent in seconds.items():
        print(f"  {name:<22}{spent:8.2f} s CPU")
    print(f"  {'ratio to the best':<22}{first / min(others):8.2f}    goal ≤ {goal:.2f}\n", flush=True)


def agree(table: pd.DataFrame, answers: dict[str, Answers]) -> None:
    """Assert equal answers; pandas lets a row see those before it of the same time, so there only the first counts."""
    first = ~table.duplicated(["key", "time"]).to_numpy()
    ours = next(iter(answers.values()))
    for name, theirs in answers.items():
        told = first if name == "pandas" else np.full(len(table), True)
        for figure, answer in ours.items():
            np.testing.assert_allclose(theirs[figure][told], answer[told], rtol=1e-6, atol=1e-5, err_msg=figure)


def weigh(table: pd.DataFrame) -> None:
    """Print the peak of memory that 15 figures need beyond the table, when each is used and let go."""
    tracemalloc.start()
    past = Past(table)
    for x in COLUMNS:
        for figure in FIGURES:
            getattr(past, figure)(x, "key", days=30)
    peak = tracemalloc.get_traced_memory()[1] / table.memory_usage(index=False).sum()
    tracemalloc.stop()
    print(f"peak memory of the first table's 15 figures, over the table's size\n  {peak:.2f}    goal < 3.00")


def past_figures(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {f"{x} {figure}": getattr(past, figure)(x, "key", days=30) for x in COLUMNS for figure in FIGURES}


def pandas_figures(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    rolling = table.set_index("time").groupby("key")[COLUMNS].rolling("30D", min_periods=0, closed="left")
    return by_key(table, {figure: getattr(rolling, figure)() for figure in FIGURES})


def polars_figures(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    wanted = [getattr(pl.col(x), figure)().alias(f"{x} {figure}") for x in COLUMNS for figure in FIGURES]
    return polars_days(frame, {30: wanted})


def polars_figures_by(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    window: dict[str, Any] = {"by": "time", "window_size": "30d", "closed": "left"}
    answers = []
    for x in COLUMNS:
        value, present = pl.col(x), pl.col(x).is_not_null().cast(pl.Float64)
        answers.append(value.rolling_mean_by(**window).over("key").alias(f"{x} mean"))
        answers.append(value.rolling_sum_by(**window).over("key").fill_null(0.0).alias(f"{x} sum"))
        answers.append(present.rolling_sum_by(**window).over("key").fill_null(0.0).alias(f"{x} count"))
    return as_arrays(frame.select(answers))


def past_means(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {f"{x} {days}": past.mean(x, "key", days=days) for x in COLUMNS for days in WINDOWS}


def pandas_means(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    groups = table.set_index("time").groupby("key")[COLUMNS]
    return by_key(table, {str(days): groups.rolling(f"{days}D", closed="left").mean() for days in WINDOWS})


def polars_means(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    return polars_days(frame, {days: [pl.col(x).mean().alias(f"{x} {days}") for x in COLUMNS] for days in WINDOWS})


def past_rows(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {f"{x} {figure}": getattr(past, figure)(x, "key", last=LAST) for x in COLUMNS for figure in ("mean", "std")}


def pandas_rows(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    rolling = table.groupby("key")[COLUMNS].rolling(LAST, min_periods=1, closed="left")
    return by_key(table, {"mean": rolling.mean(), "std": rolling.std()})


def polars_rows(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    past = {x: pl.col(x).shift(1) for x in COLUMNS}
    means = [past[x].rolling_mean(LAST, min_samples=1).over("key").alias(f"{x} mean") for x in COLUMNS]
    spreads = [past[x].rolling_std(LAST, min_samples=2).over("key").alias(f"{x} std") for x in COLUMNS]
    return as_arrays(frame.select(means + spreads))


def polars_sums(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    """Differences of running sums by hand: no rolling of Polars takes whole times until they hold enough rows."""
    at, new_key = pl.int_range(pl.len()), pl.col("key") != pl.col("key").shift()
    new_time = new_key | (pl.col("time") != pl.col("time").shift())
    rows = by_time(frame).with_columns(
        first=pl.when(new_time.fill_null(True)).then(at).forward_fill(),
        start=pl.when(new_key.fill_null(True)).then(at).forward_fill(),
    )
    rows = rows.with_columns(low=pl.col("first").gather(pl.max_horizontal(pl.col("first") - LAST, "start")))

    def added(values: pl.Expr) -> pl.Expr:
        total = values.cum_sum().shift(1, fill_value=0)
        return total.gather(pl.col("first")) - total.gather(pl.col("low"))

    answers = [rows["row"].to_frame()]
    n, s, q = pl.col("n"), pl.col("s"), pl.col("q")
    for x in COLUMNS:
        value, middle = pl.col(x), frame[x].mean()
        sums = rows.select(value.is_not_null().cast(pl.Int64).alias("n"), (value - middle).fill_null(0.0).alias("s"))
        sums = rows.select("first", "low").hstack(sums).select(n=added(n), s=added(s), q=added(s * s))
        spread = pl.when(n > 1).then(((q - s * s / n) / (n - 1)).sqrt())
        answers.append(sums.select((s / n + middle).alias(f"{x} mean"), spread.alias(f"{x} std")))
    return as_arrays(pl.concat(answers, how="horizontal").sort("row").drop("row"))


def polars_days(frame: pl.DataFrame, wanted: dict[int, list[pl.Expr]]) -> Answers:
    """One grouped rolling per window over rows sorted by key and time: half the CPU of rolling_mean_by().over()."""
    rows = by_time(frame)
    answers = [rows["row"].to_frame()]
    for days, figures in wanted.items():
        answers.append(rows.rolling("time", period=f"{days}d", closed="left", group_by="key").agg(figures)[:, 2:])
    return as_arrays(pl.concat(answers, how="horizontal").sort("row").drop("row"))


def by_key(table: pd.DataFrame, answers: dict[str, pd.DataFrame]) -> Answers:
    """Bring grouped answers, which come key by key, back into the table's order."""
    order = np.argsort(table["key"].to_numpy(), kind="stable")
    found: Answers = {}
    for name, answer in answers.items():
        for x in COLUMNS:
            found[f"{x} {name}"] = np.empty(len(order))
            found[f"{x} {name}"][order] = answer[x].to_numpy()
    return found


def by_time(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_row_index("row").sort("key", "time", maintain_order=True)


def as_arrays(frame: pl.DataFrame) -> Answers:
    return {name: frame[name].to_numpy() for name in frame.columns}
