"""information_clock: were the quotes that bets are graded on still standing when the inputs were known?"""

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding

NAME = "Could these bets have been placed when their inputs were known?"
ASKS = "honesty"


def check(evidence: Evidence) -> Finding:
    """Warn if inputs known only at the start meet quotes of unknown age, and fail figures graded as if known before.

    Which inputs are known only at the start was found by the features stage, and which quotes stood by evaluate.
    Declines for tasks without a market.
    """
    clock, start_inputs = evidence.report.get("clock"), list(map(str, evidence.audit.get("known_at_start") or []))
    if not clock or not clock["lines"]:
        return decline("No market prices a row, so no bet is graded.")
    details = {**clock, "known_at_start": start_inputs}
    if start_inputs and clock["inputs_known"] != "at_start":
        names = ", ".join(start_inputs[:5])
        return make_finding(
            "failed", f"Bets are graded as if {names} were known before the start: run evaluate again.", **details
        )
    return make_finding("warning" if clock["unknown_age"] else "ok", str(clock["sentence"]), **details)
