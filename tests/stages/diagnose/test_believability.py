"""Believability: the word follows the honesty checks, and from them alone."""

from hypothesis import given
from hypothesis import strategies as st

from stages.diagnose.believability import HONESTY, judge_believability
from trueline.core.runtime.plugins import list_plugins, load_plugin

STATUSES = ("ok", "warning", "failed", "declined")


def test_every_check_says_what_it_asks_about() -> None:
    asks = {name: load_plugin("diagnose/checks", name).ASKS for name in list_plugins("diagnose/checks")}
    assert set(asks.values()) == {"honesty", "health"}
    assert asks["leak_audit"] == asks["too_good"] == HONESTY
    assert asks["feature_shift"] == asks["gap"] == "health"


@given(st.dictionaries(st.text("abc", max_size=3), st.tuples(st.sampled_from(STATUSES), st.booleans(), st.booleans())))
def test_the_word_is_that_of_the_worst_honesty_check_and_each_reason_names_its_check(
    checks: dict[str, tuple[str, bool, bool]],
) -> None:
    findings = {name: {"status": status, "summary": f"finding of {name}."} for name, (status, _, _) in checks.items()}
    asks = {name: HONESTY if asks_honesty else "health" for name, (_, asks_honesty, _) in checks.items()}
    must_answer = {name for name, (_, _, must) in checks.items() if must}
    judged = judge_believability(findings, asks, must_answer)
    honest = {name: status for name, (status, asks_honesty, _) in checks.items() if asks_honesty}
    against = {name for name, status in honest.items() if status in ("failed", "warning")}
    against |= {name for name, status in honest.items() if status == "declined" and name in must_answer}
    assert judged.answer == ("no" if "failed" in honest.values() else "doubtful" if against else "yes")
    assert sorted(judged.reasons) == sorted(f"{name}: finding of {name}." for name in against)
    assert all(name in judged.format_sentence() for name in against)


def test_what_failed_is_named_before_what_is_only_doubtful() -> None:
    checks = {"a": {"status": "warning", "summary": "odd."}, "b": {"status": "failed", "summary": "wrong."}}
    judged = judge_believability(checks, dict.fromkeys(checks, HONESTY), ())
    assert judged.reasons == ["b: wrong.", "a: odd."]
    assert judged.format_sentence() == "Believable: no: b: wrong; a: odd."
