"""Racing: greyhound races whose true win chances are known, priced by a market that knows them too."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trueline.core.stats.group_ops import Codes, Floats, compute_group_softmax, encode_groups
from trueline.core.tables import table_schema

FIRST_DAY = pd.Timestamp("2024-01-01")
DAYS = 120
RACES_PER_DAY = 10  # half of them at each of two venues
DOG_COUNT = 350
BOX_COUNT = 8
LENGTH_SECONDS = 0.07  # seconds per length
ABILITY_SD = 1.1  # SD among dogs, before pace and trainer add to it, in log-odds
GRADING_NOISE_SD = 2.0  # SD of the grader's error, in log-odds
DAILY_DRIFT_SD = 0.04  # SD of a dog's change from one day to the next, in log-odds
MARKET_KNOWLEDGE_SD = 0.7  # SD of what the market alone knows about a start, in log-odds
BENCHMARK_NOISE_SD = 0.5  # SD of the benchmark modeller's error, in log-odds
OUTCOME_COLUMNS = ("won", "placed", "place", "run_time_s", "sectional_s", "margin_lengths")

# What a box adds to the log-odds of winning, by venue: the truth that a feature of venue and box can find.
BOX_BIAS = {
    "Ardley": (0.55, 0.30, 0.10, -0.10, -0.25, -0.30, -0.20, -0.10),
    "Brookfen": (0.20, 0.10, -0.05, -0.20, -0.30, -0.05, 0.10, 0.20),
    "Carrow Park": (-0.30, -0.20, -0.10, 0.00, 0.00, 0.10, 0.20, 0.30),
    "Dunmere": (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "Eastholt": (0.40, 0.00, -0.20, -0.30, -0.20, 0.00, 0.10, 0.20),
}
DISTANCES = {venue: (300 + 7 * i, 480 + 9 * i) for i, venue in enumerate(BOX_BIAS)}  # m: a sprint and a longer race
FIRST_NAMES = (
    "Amber",
    "Bold",
    "Cobalt",
    "Dusty",
    "Early",
    "Fallow",
    "Gentle",
    "Hasty",
    "Idle",
    "Jolly",
    "Keen",
    "Lucky",
)
MIDDLE_NAMES = (
    "Anchor",
    "Bramble",
    "Comet",
    "Drummer",
    "Ember",
    "Falcon",
    "Gale",
    "Harbour",
    "Ivy",
    "Jester",
    "Kestrel",
)
LAST_NAMES = ("Boy", "Girl", "Star")
GRADES = ("Maiden", "Grade 7", "Grade 6", "Grade 5", "Open")
TRAINERS = [f"{initial}. {name}" for name in ("Ashby", "Birch", "Colley", "Denne", "Elwood") for initial in "ABCDEF"]


def make_sample(seed: int = 20240101) -> pd.DataFrame:
    """Return the raw runners: 120 days of races, with a few scratched, unsettled and dirty ones among them."""
    return _add_dirty_rows(simulate_clean_sample(seed)[0])


def write(folder: Path) -> None:
    """Write runners.parquet; the same bytes every time."""
    table_schema.write_table(make_sample(), folder / "runners.parquet")


def make_card(seed: int = 20240101) -> pd.DataFrame:
    """Return the races of the day after the sample, as a card gives them: dogs of its league, each with a price."""
    dogs, random = _draw_dogs(np.random.default_rng(seed)), np.random.default_rng([seed, DAYS])
    form, last_ran = dogs["ability"].to_numpy().copy(), random.integers(-7, 0, DOG_COUNT)
    starts = _build_starts(random, dogs, *_draw_day(random, DAYS, form, last_ran, 0))
    public, truth, race = _draw_log_odds(random, starts)
    price = _make_prices(random, public, truth, race)["bsp"]
    return starts.drop(columns=["pace", "ability"]).assign(price=price)


def write_card(folder: Path) -> None:
    """Write racing.csv; the same bytes every time."""
    make_card().to_csv(folder / "racing.csv", index=False, date_format="%Y-%m-%d %H:%M")


def simulate_clean_sample(seed: int) -> tuple[pd.DataFrame, Floats]:
    """Return clean runners, and the true log-odds from which each race's winner was drawn."""
    random = np.random.default_rng(seed)
    starts = _draw_cards(random, _draw_dogs(random))
    public, truth, race = _draw_log_odds(random, starts)
    starts = starts.assign(**_draw_outcomes(random, starts, truth, race), **_make_prices(random, public, truth, race))
    return starts.drop(columns=["pace", "ability"]), truth


def _draw_log_odds(random: np.random.Generator, starts: pd.DataFrame) -> tuple[Floats, Floats, Codes]:
    """Return each start's log-odds as everybody can know them and as they are, and the number of its race."""
    race = encode_groups(starts["race_id"])
    bias = np.array([BOX_BIAS[venue][box - 1] for venue, box in zip(starts["venue"], starts["box"], strict=True)])
    public = starts["ability"].to_numpy() + bias
    return public, public + random.normal(0, MARKET_KNOWLEDGE_SD, len(starts)), race


def _draw_dogs(random: np.random.Generator) -> pd.DataFrame:
    names = [
        f"{first_name} {middle_name} {last_name}"
        for first_name in FIRST_NAMES
        for middle_name in MIDDLE_NAMES
        for last_name in LAST_NAMES
    ]
    trainer = random.integers(len(TRAINERS), size=DOG_COUNT)
    pace = random.normal(0, 1, DOG_COUNT)
    return pd.DataFrame(
        {
            "runner": random.permutation(names)[:DOG_COUNT],
            "trainer": np.array(TRAINERS)[trainer],
            "pace": pace,
            "ability": random.normal(0, ABILITY_SD, DOG_COUNT)
            + 0.4 * pace
            + random.normal(0, 0.3, len(TRAINERS))[trainer],
            "weight_kg": random.normal(30, 2.5, DOG_COUNT),
        }
    )


def _draw_cards(random: np.random.Generator, dogs: pd.DataFrame) -> pd.DataFrame:
    """Return the season's race cards: each day the most rested dogs run, graded roughly by ability, in random boxes."""
    form = dogs["ability"].to_numpy().copy()
    last_ran = random.integers(-7, 0, DOG_COUNT)
    races: list[dict[str, Any]] = []
    entries: list[Floats] = []
    for day in range(DAYS):
        day_races, day_entries = _draw_day(random, day, form, last_ran, len(races))
        races += day_races
        entries += day_entries
    return _build_starts(random, dogs, races, entries)


def _draw_day(
    random: np.random.Generator, day: int, form: Floats, last_ran: Codes, first_race: int
) -> tuple[list[dict[str, Any]], list[Floats]]:
    """Return a day's races, and of each its number, dogs, boxes and form; changes `form` and `last_ran`."""
    form += random.normal(0, DAILY_DRIFT_SD, DOG_COUNT)
    sizes = random.choice([6, 7, 8], size=RACES_PER_DAY, p=[0.25, 0.3, 0.45])
    rested = np.argsort(last_ran + random.normal(0, 1.5, DOG_COUNT))[: sizes.sum()]
    last_ran[rested] = day
    graded = rested[np.argsort(form[rested] + random.normal(0, GRADING_NOISE_SD, len(rested)))]
    venues = random.permutation(list(BOX_BIAS))[:2]
    races, entries = [], []
    for slot, field in enumerate(np.split(graded, np.cumsum(sizes)[:-1])):
        box = random.permutation(BOX_COUNT)[: len(field)] + 1
        race = np.full(len(field), first_race + slot)
        entries.append(np.column_stack([race, field, box, form[field]])[np.argsort(box)])
        races.append(_make_race(random, day, slot, str(venues[slot % 2])))
    return races, entries


def _build_starts(
    random: np.random.Generator, dogs: pd.DataFrame, races: list[dict[str, Any]], entries: list[Floats]
) -> pd.DataFrame:
    race, dog, box, ability = np.concatenate(entries).T
    card = pd.DataFrame(races).iloc[race.astype(int)].reset_index(drop=True)
    runners = dogs.iloc[dog.astype(int)].reset_index(drop=True)
    return _add_weights(random, card.assign(box=box.astype(int)).join(runners.assign(ability=ability)))


def _add_weights(random: np.random.Generator, starts: pd.DataFrame) -> pd.DataFrame:
    pace = 1 / (1 + np.exp(-starts["pace"] - random.normal(0, 0.5, len(starts))))
    return starts.assign(
        weight_kg=(starts["weight_kg"] + random.normal(0, 0.3, len(starts))).round(1),
        early_speed=pace.round(2).mask(random.random(len(starts)) < 0.03),
    )


def _make_race(random: np.random.Generator, day: int, slot: int, venue: str) -> dict[str, Any]:
    date = FIRST_DAY + pd.Timedelta(days=day)
    number = slot // 2 + 1
    return {
        "race_id": f"{date:%Y%m%d}-{venue[:3].upper()}-{number:02}",
        "start_time": date + pd.Timedelta(minutes=18 * 60 + 12 * slot),
        "venue": venue,
        "race_no": number,
        "distance_m": float(random.choice(DISTANCES[venue])),
        "grade": GRADES[number - 1],
    }


def _draw_outcomes(random: np.random.Generator, starts: pd.DataFrame, truth: Floats, race: Codes) -> dict[str, Any]:
    """Return a finishing order drawn by Plackett–Luce (log-odds plus Gumbel noise), and times that agree with it."""
    performance = pd.Series(truth + random.gumbel(size=len(truth)))
    finish = performance.groupby(race).rank(ascending=False)
    going = random.normal(0, 0.1, race.max() + 1)[race]
    time = starts["distance_m"] / 17.2 - 0.1 * performance + going  # 17.2 m/s is a common pace
    behind = (time - time.groupby(race).transform("min")) / LENGTH_SECONDS
    winning_margin = behind.where(finish == 2).groupby(race).transform("max")
    return {
        "won": (finish == 1).astype(float),
        "placed": (finish <= 3).astype(float),
        "place": finish,
        "run_time_s": time.round(2),
        "sectional_s": (5.5 - 0.12 * starts["pace"] + random.normal(0, 0.06, len(starts))).round(2),
        "margin_lengths": behind.where(finish > 1, -winning_margin).round(2),
    }


def _make_prices(random: np.random.Generator, public: Floats, truth: Floats, race: Codes) -> dict[str, Floats]:
    """Return the market's prices, which know the truth, and those of a modeller who knows less and errs."""
    p = compute_group_softmax(truth, race)
    placing = np.concatenate([_compute_top_three_chance(p[race == r]) for r in range(race.max() + 1)])
    modelled = compute_group_softmax(public + random.normal(0, BENCHMARK_NOISE_SD, len(public)), race)
    noise = np.exp(random.normal(0, 0.02, (2, len(p))))
    prices = {"bsp": noise[0] / p, "place_bsp": noise[1] / placing, "benchmark_price": 1 / modelled}
    return {name: np.clip(price, 1.01, 1000).round(2) for name, price in prices.items()}


def _compute_top_three_chance(p: Floats) -> Floats:
    """Return each runner's chance of one of the first three places under Plackett–Luce."""
    orders = np.array(list(permutations(range(len(p)), 3))).T
    first_chance, second_chance, third_chance = p[orders]
    chance = first_chance * second_chance / (1 - first_chance) * third_chance / (1 - first_chance - second_chance)
    placed: Floats = np.bincount(orders.ravel(), weights=np.tile(chance, 3)).astype(float)
    return placed


def _add_dirty_rows(clean: pd.DataFrame) -> pd.DataFrame:
    """Return the runners as sources deliver them: most races are sound, a few are to be repaired or set aside."""
    rows = clean.assign(scratched=0, dead_heat=0)
    races = [rows.index[rows["race_id"] == race] for race in rows["race_id"].unique()[50::60]]
    second_placed = [race[rows.loc[race, "place"].eq(2)] for race in races]
    rows.loc[races[0][rows.loc[races[0], "place"].le(2)], ["won", "place", "dead_heat"]] = 1
    rows.loc[second_placed[1], "won"] = 1.0  # a second winner that nobody declared
    rows.loc[races[2], "won"] = 0.0
    rows.loc[races[3][0], "box"] = rows.loc[races[3][1], "box"]
    rows.loc[races[4][0], "box"] = 14
    rows.loc[races[5][0], "runner"] = rows.loc[races[5][1], "runner"]
    rows.loc[races[6][0], "bsp"] = np.nan  # the race stays, without a market
    rows.loc[races[7], "bsp"] *= 3.0  # a book that sums to a third
    rows.loc[races[8][0], "bsp"] = 0.5
    unsettled = rows["race_id"].isin(rows["race_id"].unique()[-2:])
    rows.loc[unsettled, list(OUTCOME_COLUMNS)] = np.nan
    scratched = rows.loc[[race[0] for race in races[9:13]]].assign(scratched=1, box=9, bsp=np.nan, place_bsp=np.nan)
    scratched["runner"] = [f"Withdrawn {name}" for name in FIRST_NAMES[:4]]
    scratched[list(OUTCOME_COLUMNS)] = np.nan
    delivered = pd.concat([rows, scratched])
    return delivered.sort_values(["start_time", "race_id", "box"], ignore_index=True)
