"""Kept alarm power: what rules detected in series that were simulated from the very same reference days before."""

import json
from typing import Any

from stages.diagnose.monitoring.alarm_power import evaluate_rules
from stages.diagnose.monitoring.alarm_rules import Rule
from stages.diagnose.monitoring.daily_sums import DailySums
from stages.diagnose.monitoring.monitoring_settings import Settings
from trueline.core.runtime.memory import Memory, build_key, hash_code


def recall_rule_power(
    memory: Memory, rules: list[Rule], daily_sums: DailySums, settings: Settings, is_signed: bool, seed: int
) -> list[dict[str, Any]]:
    """Return `evaluate_rules` of rules whose limits were learned from these days by these settings and this seed.

    Limits are learned from the reference days, and series are simulated from them, so later days change nothing.
    """
    if not memory.is_on:
        return evaluate_rules(rules, daily_sums, settings, is_signed, seed)
    reference = daily_sums.slice_days(0, settings.rules.reference_days)
    sums = {name: values.tolist() for name, values in vars(reference).items()}
    names = [rule.name for rule in rules]
    key = build_key("alarm power", hash_code("diagnose"), names, sums, settings.model_dump_json(), is_signed, seed)
    return memory.recall_or_compute(
        key,
        lambda: evaluate_rules(rules, daily_sums, settings, is_signed, seed),
        pack=lambda results: json.dumps(results).encode(),
        unpack=json.loads,
    )
