"""Past-only aggregates of two million rows: `history.past` against pandas and Polars, with equal results asserted.

Measured are the CPU seconds of the computation alone, the best of a few rounds taken in turn, over all threads of
Polars. Every contender starts from its own table in time order and ends with one array per aggregate in that order.
"""

import tracemalloc
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from trueline.core.history.past import Past

Answers = dict[str, np.ndarray]
Contender = Callable[[pd.DataFrame, pl.DataFrame], Answers]

ROWS, KEYS, DAYS, ROUNDS = 2_000_000, 20_000, 3 * 365, 3
COLUMNS = [f"x{number}" for number in range(5)]
FIGURES = ("mean", "sum", "count")
WINDOW_DAYS = (7, 30, 90)  # days
LAST_ROWS = 10  # rows


def main() -> None:
    """Print CPU seconds, ratios and goals for windows of days and of rows, and the peak memory."""
    table = make_history(ties=True)
    days = {
        "Past": compute_past_figures,
        "pandas": compute_pandas_figures,
        "Polars": compute_polars_figures,
        "Polars, _by": compute_polars_figures_by,
    }
    compare_contenders("5 columns × mean, sum, count of 30 days", days, table, 1 / 2)
    means = {"Past": compute_past_means, "pandas": compute_pandas_means, "Polars": compute_polars_means}
    compare_contenders("5 columns × mean of 7, 30, 90 days", means, table, 1 / 2)
    rows = {"Past": compute_past_rows, "Polars, sums by hand": compute_polars_sums}
    compare_contenders("5 columns × mean, std of the last 10 rows, ties kept apart", rows, table, 1 / 4)
    untied = {"Past": compute_past_rows, "pandas": compute_pandas_rows, "Polars": compute_polars_rows}
    compare_contenders("the same where no rows tie", untied, make_history(ties=False), 1 / 4)
    measure_memory(table)


def make_history(ties: bool) -> pd.DataFrame:
    """Return rows in time order, at multiples of a quarter of an hour; two of five columns lack one value in twenty."""
    random = np.random.default_rng(0)
    quarter = np.sort(random.integers(0, DAYS * 96, ROWS))
    time = np.datetime64("2020-01-01", "us") + quarter * np.timedelta64(15, "m")
    table = pd.DataFrame({"key": random.integers(0, KEYS, ROWS), "time": time})
    for number, column in enumerate(COLUMNS):
        table[column] = random.normal(10, 5, ROWS)
        if number < 2:
            table.loc[random.random(ROWS) < 0.05, column] = np.nan
    return table if ties else table.drop_duplicates(["key", "time"], ignore_index=True)


def compare_contenders(title: str, contenders: dict[str, Contender], table: pd.DataFrame, goal: float) -> None:
    """Time the contenders in turn, assert that they agree with the first, and print its ratio to the best other."""
    frame = pl.from_pandas(table)
    seconds = dict.fromkeys(contenders, np.inf)
    for turn in range(ROUNDS):
        answers: dict[str, Answers] = {}
        for name, contender in contenders.items():
            start = process_time()
            answers[name] = contender(table, frame)
            seconds[name] = min(seconds[name], process_time() - start)
        if not turn:
            assert_equal_answers(table, answers)
    past_seconds, *other_seconds = seconds.values()
    print(title)
    for name, cpu_seconds in seconds.items():
        print(f"  {name:<22}{cpu_seconds:8.2f} s CPU")
    print(f"  {'ratio to the best':<22}{past_seconds / min(other_seconds):8.2f}    goal ≤ {goal:.2f}\n", flush=True)


def assert_equal_answers(table: pd.DataFrame, answers: dict[str, Answers]) -> None:
    """Assert equal answers, for pandas only in the first of tied rows, since it lets a row see earlier ties."""
    is_first_of_tie = ~table.duplicated(["key", "time"]).to_numpy()
    past_answers = next(iter(answers.values()))
    for name, contender_answers in answers.items():
        compared_rows = is_first_of_tie if name == "pandas" else np.full(len(table), True)
        for figure, answer in past_answers.items():
            np.testing.assert_allclose(
                contender_answers[figure][compared_rows], answer[compared_rows], rtol=1e-6, atol=1e-5, err_msg=figure
            )


def measure_memory(table: pd.DataFrame) -> None:
    """Print the peak memory that 15 aggregates need beyond the table, if each is dropped after use."""
    tracemalloc.start()
    past = Past(table)
    for x in COLUMNS:
        for figure in FIGURES:
            getattr(past, figure)(x, "key", days=30)
    peak = tracemalloc.get_traced_memory()[1] / table.memory_usage(index=False).sum()
    tracemalloc.stop()
    print(f"peak memory of the first table's 15 figures, over the table's size\n  {peak:.2f}    goal < 3.00")


def compute_past_figures(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {f"{x} {figure}": getattr(past, figure)(x, "key", days=30) for x in COLUMNS for figure in FIGURES}


def compute_pandas_figures(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    rolling = table.set_index("time").groupby("key")[COLUMNS].rolling("30D", min_periods=0, closed="left")
    return align_by_key(table, {figure: getattr(rolling, figure)() for figure in FIGURES})


def compute_polars_figures(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    expressions = [getattr(pl.col(x), figure)().alias(f"{x} {figure}") for x in COLUMNS for figure in FIGURES]
    return compute_polars_days(frame, {30: expressions})


def compute_polars_figures_by(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    window: dict[str, Any] = {"by": "time", "window_size": "30d", "closed": "left"}
    answers = []
    for x in COLUMNS:
        value, present = pl.col(x), pl.col(x).is_not_null().cast(pl.Float64)
        answers.append(value.rolling_mean_by(**window).over("key").alias(f"{x} mean"))
        answers.append(value.rolling_sum_by(**window).over("key").fill_null(0.0).alias(f"{x} sum"))
        answers.append(present.rolling_sum_by(**window).over("key").fill_null(0.0).alias(f"{x} count"))
    return convert_to_arrays(frame.select(answers))


def compute_past_means(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {f"{x} {days}": past.mean(x, "key", days=days) for x in COLUMNS for days in WINDOW_DAYS}


def compute_pandas_means(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    groups = table.set_index("time").groupby("key")[COLUMNS]
    return align_by_key(table, {str(days): groups.rolling(f"{days}D", closed="left").mean() for days in WINDOW_DAYS})


def compute_polars_means(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    return compute_polars_days(
        frame, {days: [pl.col(x).mean().alias(f"{x} {days}") for x in COLUMNS] for days in WINDOW_DAYS}
    )


def compute_past_rows(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    past = Past(table)
    return {
        f"{x} {figure}": getattr(past, figure)(x, "key", last=LAST_ROWS) for x in COLUMNS for figure in ("mean", "std")
    }


def compute_pandas_rows(table: pd.DataFrame, _: pl.DataFrame) -> Answers:
    rolling = table.groupby("key")[COLUMNS].rolling(LAST_ROWS, min_periods=1, closed="left")
    return align_by_key(table, {"mean": rolling.mean(), "std": rolling.std()})


def compute_polars_rows(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    past = {x: pl.col(x).shift(1) for x in COLUMNS}
    means = [past[x].rolling_mean(LAST_ROWS, min_samples=1).over("key").alias(f"{x} mean") for x in COLUMNS]
    spreads = [past[x].rolling_std(LAST_ROWS, min_samples=2).over("key").alias(f"{x} std") for x in COLUMNS]
    return convert_to_arrays(frame.select(means + spreads))


def compute_polars_sums(_: pd.DataFrame, frame: pl.DataFrame) -> Answers:
    """Take differences of running sums by hand: no Polars window takes whole tied times up to a number of rows."""
    row_index, new_key = pl.int_range(pl.len()), pl.col("key") != pl.col("key").shift()
    new_time = new_key | (pl.col("time") != pl.col("time").shift())
    rows = sort_by_time(frame).with_columns(
        first=pl.when(new_time.fill_null(True)).then(row_index).forward_fill(),
        start=pl.when(new_key.fill_null(True)).then(row_index).forward_fill(),
    )
    rows = rows.with_columns(low=pl.col("first").gather(pl.max_horizontal(pl.col("first") - LAST_ROWS, "start")))

    def sum_window(values: pl.Expr) -> pl.Expr:
        total = values.cum_sum().shift(1, fill_value=0)
        return total.gather(pl.col("first")) - total.gather(pl.col("low"))

    answers = [rows["row"].to_frame()]
    n, s, q = pl.col("n"), pl.col("s"), pl.col("q")
    for x in COLUMNS:
        value, mean = pl.col(x), frame[x].mean()
        sums = rows.select(value.is_not_null().cast(pl.Int64).alias("n"), (value - mean).fill_null(0.0).alias("s"))
        sums = rows.select("first", "low").hstack(sums).select(n=sum_window(n), s=sum_window(s), q=sum_window(s * s))
        std = pl.when(n > 1).then(((q - s * s / n) / (n - 1)).sqrt())
        answers.append(sums.select((s / n + mean).alias(f"{x} mean"), std.alias(f"{x} std")))
    return convert_to_arrays(pl.concat(answers, how="horizontal").sort("row").drop("row"))


def compute_polars_days(frame: pl.DataFrame, expressions_by_days: dict[int, list[pl.Expr]]) -> Answers:
    """Use one grouped rolling per window over rows sorted by key and time: half the CPU of rolling_mean_by().over()."""
    rows = sort_by_time(frame)
    answers = [rows["row"].to_frame()]
    for days, figures in expressions_by_days.items():
        answers.append(rows.rolling("time", period=f"{days}d", closed="left", group_by="key").agg(figures)[:, 2:])
    return convert_to_arrays(pl.concat(answers, how="horizontal").sort("row").drop("row"))


def align_by_key(table: pd.DataFrame, answers: dict[str, pd.DataFrame]) -> Answers:
    """Return grouped answers, which come key by key, in the table's order."""
    order = np.argsort(table["key"].to_numpy(), kind="stable")
    aligned: Answers = {}
    for name, answer in answers.items():
        for x in COLUMNS:
            aligned[f"{x} {name}"] = np.empty(len(order))
            aligned[f"{x} {name}"][order] = answer[x].to_numpy()
    return aligned


def sort_by_time(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_row_index("row").sort("key", "time", maintain_order=True)


def convert_to_arrays(frame: pl.DataFrame) -> Answers:
    return {name: frame[name].to_numpy() for name in frame.columns}
