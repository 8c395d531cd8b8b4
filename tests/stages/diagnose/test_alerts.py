"""Alerts: rare without a change, prompt with one; and a webhook whose failure cannot break a stage."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.diagnose.checks import alerts
from stages.diagnose.monitoring.alarm_power import evaluate_rules, fit_calibrated_rules, learn_limits, simulate_worlds
from stages.diagnose.monitoring.alarm_rules import (
    RuleInputs,
    build_calibrated_rules,
    build_preset_rules,
    flag_upcrossings,
)
from stages.diagnose.monitoring.alert_levels import compute_alert_levels
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.kept_alarm_power import recall_rule_power
from stages.diagnose.monitoring.monitoring_settings import Settings
from stages.diagnose.monitoring.webhook import ADDRESS_VARIABLE, notify
from tests.stages.diagnose.test_daily_table import DAYS, FIRST, OUTAGE, RULES, SETTINGS, WINDOWS, made
from trueline.core.runtime.memory import Memory
from trueline.core.splits.walk_forward import NO_CLOCK

REFERENCE, SEASON, SEASONS = 150, 170, 5
BETTOR = Settings(
    windows=WINDOWS.model_copy(update={"baseline_days": 180, "least_units": 100, "least_days": 30, "loss_rise": 0.3}),
    rules=RULES.model_copy(
        update={"reference_days": REFERENCE, "season_days": SEASON, "false_alarms": 0.5, "draws": 100}
    ),
)


def bettor(seed: int, daily: int, rate: float, fall: int | None = None) -> DailySums:
    """Return a reference and five seasons of bets with 60 rows a day; from `fall` days after the reference 48 % win."""
    random = np.random.default_rng(seed)
    days = REFERENCE + SEASONS * SEASON
    rates = np.where(np.arange(days) >= REFERENCE + (days if fall is None else fall), 0.48, rate)
    units = np.full((days, 1), 60.0)
    model, error, market = (
        units * random.normal(mean, sd / np.sqrt(60), (days, 1)) for mean, sd in ((5, 4), (0, 6.5), (5, 4))
    )
    beats = random.binomial(60, 0.47, (days, 1)).astype(float)
    wins = random.binomial(daily, rates)[:, None].astype(float)
    return DailySums(units, model, error, units, market, beats, wins, np.full((days, 1), float(daily)))


@pytest.mark.parametrize("daily", [5, 10, 20])
@pytest.mark.parametrize("rate", [0.55, 0.57])
def test_a_healthy_bettor_alarms_on_one_day_in_a_hundred_at_most_and_a_fall_to_48_percent_is_found(
    daily: int, rate: float
) -> None:
    """Half of the falls are detected within 400 bets, and nine in ten within 1,700."""
    shares, bets = [], []
    for seed in range(8):
        healthy = bettor(seed, daily, rate)
        rules = build_calibrated_rules(learn_limits(healthy, BETTOR, True, seed), BETTOR)
        assert [rule.name for rule in rules] == ["hit_rate", "model_beats_line", "drift", "sharpness"]
        seen = RuleInputs(healthy, REFERENCE, BETTOR.windows, True)
        shares.append(np.any([rule.fires(seen) for rule in rules], axis=0)[REFERENCE:].mean())
        fallen = RuleInputs(bettor(seed, daily, rate, SEASON), REFERENCE, BETTOR.windows, True)
        warned = np.any([rule.fires(fallen) for rule in rules if rule.level == "warning"], axis=0)
        warned = warned[REFERENCE + SEASON :]
        assert warned.any()
        bets.append(daily * (int(warned.argmax()) + 1))
    assert np.mean(shares) <= 0.01
    assert np.median(bets) <= 400
    assert np.quantile(bets, 0.9) <= 1700


def test_learned_limits_alarm_as_rarely_as_asked_in_fresh_simulations_and_preset_bounds_do_not() -> None:
    days = bettor(0, 10, 0.55)
    rules = fit_calibrated_rules(days, BETTOR, True, 0)
    found = {
        one["rule"]: one for one in evaluate_rules([*rules, *build_preset_rules(BETTOR.rules)], days, BETTOR, True, 0)
    }
    assert sum(found[rule.name]["false_alarms_a_season"] for rule in rules) <= 1.0
    assert found["preset_warning"]["false_alarms_a_season"] > 3
    for rule in rules:
        assert 0 < found[rule.name]["smallest_shift"] <= 15
        assert not found[rule.name]["alarms_anyway"]
    nervous = build_preset_rules(BETTOR.rules.model_copy(update={"info_change": 1.0}))[2]
    (one,) = evaluate_rules([nervous], days, BETTOR, True, 0)
    assert one["alarms_anyway"]
    assert one["smallest_shift"] is None


def test_the_smallest_shift_that_is_found_is_found_and_a_smaller_one_is_not() -> None:
    days = bettor(1, 10, 0.55)
    rules = fit_calibrated_rules(days, BETTOR, True, 0)
    drawn = simulate_worlds(days, BETTOR, 1)
    for rule, found in zip(rules, evaluate_rules(rules, days, BETTOR, True, 0), strict=True):
        size = found["smallest_shift"] / (100 if found["shift_of"] == "percentage points" else 1)
        shares = []
        for change in (0.7 * size, size):
            moved = drawn.apply_shift(REFERENCE, **{name: side * change for name, side in rule.effects.items()})
            seen = RuleInputs(moved.slice_days(0, REFERENCE + 60), REFERENCE, BETTOR.windows, True)
            shares.append(rule.fires(seen)[..., REFERENCE:].any(axis=-1).mean())
        assert shares[0] < 0.8 <= shares[1]


def test_what_rules_detect_is_computed_anew_only_for_other_reference_days_or_another_seed(tmp_path: Path) -> None:
    settings = BETTOR.model_copy(update={"rules": BETTOR.rules.model_copy(update={"draws": 20})})
    memory, days, rules = Memory(tmp_path), bettor(0, 10, 0.55), build_preset_rules(settings.rules)
    computed = evaluate_rules(rules, days, settings, True, 0)
    longer = bettor(0, 10, 0.55).select_days(np.append(np.arange(len(days)), len(days) - 1))
    first_day = np.arange(len(days))
    first_day[0] = 1
    for sums, seed, entries in ((days, 0, 1), (longer, 0, 1), (days, 1, 2), (days.select_days(first_day), 0, 3)):
        recalled = recall_rule_power(memory, rules, sums, settings, True, seed)
        assert recalled == recall_rule_power(memory, rules, sums, settings, True, seed)
        assert recalled == evaluate_rules(rules, sums, settings, True, seed)
        assert (recalled == computed) == (entries == 1)
        assert len(list(tmp_path.iterdir())) == entries


def test_preset_rules_hold_exactly_where_their_bounds_are_passed() -> None:
    days = bettor(2, 20, 0.5)
    seen = RuleInputs(days, 0, BETTOR.windows, True)
    critical, warning, info = (rule.fires(seen) for rule in build_preset_rules(BETTOR.rules))
    for day in range(40, 400, 7):
        hits = 100 * days.wins[day - 6 : day + 1].sum() / days.decided[day - 6 : day + 1].sum()
        beats = 100 * days.beats[day - 13 : day + 1].sum() / days.priced[day - 13 : day + 1].sum()
        assert critical[day] == (beats < 42 and hits < 50)
        assert warning[day] == (seen.drift_score[day] >= 40 or beats < 45)
        assert info[day] == (abs(seen.market_improvement.value[day]) >= 0.05)
    assert warning[40:].any()
    assert not warning[40:].all()


def test_a_limit_is_passed_once_until_the_figure_has_been_below_it() -> None:
    values = np.array([9.0, np.nan, 1, 5, 6, 7, 2, 8, 9, np.nan, 9])
    assert np.flatnonzero(flag_upcrossings(values, 4.0, 2)).tolist() == [3, 7, 10]


def test_days_after_the_reference_set_no_limit() -> None:
    days = bettor(3, 10, 0.55)
    other = bettor(3, 10, 0.55, 0).apply_shift(REFERENCE, model=1.0)
    assert learn_limits(days, BETTOR, True, 0) == learn_limits(other, BETTOR, True, 0)
    assert learn_limits(days, BETTOR, True, 0) != learn_limits(days, BETTOR, True, 1)


def test_two_warnings_of_different_rules_within_a_week_are_critical() -> None:
    days = bettor(4, 20, 0.57).apply_shift(400, wins=-0.2, beats=-0.2)
    status = pd.Series(["graded"] * len(days))
    rules = fit_calibrated_rules(days, BETTOR, True, 0)
    table = compute_alert_levels(rules, days, status, pd.Series(60, index=status.index), BETTOR, True)
    assert "critical" in set(table["alert_level"].iloc[400:420])
    message = table.loc[table["alert_level"] == "critical", "alert_message"].iloc[0]
    assert message.startswith("[CRITICAL]")
    assert "hit rate of 7 days" in message
    assert (table["alert_triggered"].dropna() == (table["alert_level"].dropna() != "none").astype(int)).all()


def test_without_picks_or_lines_the_other_rules_remain() -> None:
    days = bettor(5, 10, 0.55)
    nothing = np.zeros_like(days.wins)
    bare = replace(days, wins=nothing, decided=nothing, priced=nothing, market=nothing, beats=nothing)
    assert [rule.name for rule in fit_calibrated_rules(bare, BETTOR, True, 0)] == ["drift"]


def test_the_check_reports_level_false_alarms_and_power() -> None:
    settings = alerts.Settings(**SETTINGS.model_dump())
    found = alerts.check(made(), settings)
    assert found["details"]["day"] == f"{FIRST + pd.Timedelta(days=DAYS - 1):%Y-%m-%d}"
    assert {one["rule"] for one in found["details"]["preset"]} == {"preset_critical", "preset_warning", "preset_info"}
    assert len(found["details"]["calibrated"]) == 4
    assert found["details"]["false_alarms_a_season"] <= 3  # forty simulations of ninety days are no more precise
    evidence = made(0, OUTAGE[-1] + 1)
    outage = alerts.check(evidence, settings)
    assert outage["status"] == "warning"
    assert "outage" in outage["summary"]


def test_the_check_declines_without_a_clock_and_without_days_after_the_reference() -> None:
    settings = alerts.Settings(**SETTINGS.model_dump())
    few = made(0, 60)
    assert "none follows" in alerts.check(few, settings)["summary"]
    few.folds["time"] = NO_CLOCK
    assert "clock" in alerts.check(few, settings)["summary"]
    assert alerts.check(few, settings)["status"] == "declined"


class _Listener(BaseHTTPRequestHandler):
    received: list[tuple[str | None, object]] = []  # noqa: RUF012
    code = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.code)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Log nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    _Listener.received, _Listener.code = [], 200
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}/services/secret"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_message_arrives_as_slack_takes_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, address)
    assert notify("props: 48 % — look")
    assert _Listener.received == [("application/json", {"text": "props: 48 % — look"})]


def test_without_an_address_nothing_is_sent(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    assert not notify("nobody listens")
    assert _Listener.received == []


@pytest.mark.parametrize("bad", ["http://127.0.0.1:1/secret", "file:///etc/hosts?secret", "secret", "http://[secret"])
def test_a_failure_is_one_line_without_the_address_and_never_raises(
    bad: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(ADDRESS_VARIABLE, bad)
    assert not notify("text")
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "secret" not in output


def test_a_server_that_says_no_is_a_failure(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _Listener.code = 500
    monkeypatch.setenv(ADDRESS_VARIABLE, address)
    assert not notify("text")
    assert "HTTPError 500" in capsys.readouterr().err
