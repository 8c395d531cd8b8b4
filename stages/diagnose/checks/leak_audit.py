"""leak_audit: did any feature change when what was not yet known was changed?"""

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding

NAME = "Does any feature know what was not yet known?"
ASKS = "honesty"
MUST_ANSWER = True


def check(evidence: Evidence) -> Finding:
    """Report the result of the features stage's leak audit; declines if there was none.

    The audit tests a few seeded moments: a leak that shows at none of them is not found.
    """
    audit = evidence.audit
    audited, moments = int(audit.get("audited") or 0), int(audit.get("moments") or 0)
    leaking = sorted(map(str, audit.get("leaking") or []))
    details = {"audited": audited, "moments": moments, "leaking": leaking}
    if leaking:
        summary = f"{', '.join(leaking)} changed when what was not yet known was changed: mend the formula."
        return make_finding("failed", summary, **details)
    if not audited or not moments:
        return decline("No audit of the features was made, so nothing is known of leaks; run features.")
    summary = f"None of {audited} features changed when what was not yet known at {moments} moments was changed."
    return make_finding("ok", summary, **details)
