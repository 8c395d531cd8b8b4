"""altered_tables: are the inputs and predictions still the files that the stages wrote and audited?"""

from stages.diagnose.units.evidence import Evidence, Finding, decline, make_finding

NAME = "Are inputs and predictions as the audited stages wrote them?"
ASKS = "honesty"

WRITERS = {"features": "features", "predictions": "calibrate"}  # which stage wrote a table


def check(evidence: Evidence) -> Finding:
    """Fail if a file of inputs or predictions has another hash than the stage that audited it noted.

    What is changed afterwards, such as predictions into which the result is mixed, no audit has seen, and in small
    amounts no figure shows it. Whoever changes the note too is not found. Declines if a stage noted no hash.
    """
    notes = {"features": evidence.audit, "predictions": evidence.score_audits.get("calibrate", {})}
    noted = {table: notes[table][table] for table in WRITERS if table in notes[table]}
    if len(noted) < len(WRITERS) or not evidence.hashes:
        return decline("The stages noted no hashes of what they wrote; run features and calibrate again.")
    altered = [table for table, table_hash in noted.items() if evidence.hashes[table] != table_hash]
    if altered:
        shown = " and ".join(f"{table} after {WRITERS[table]} wrote them" for table in altered)
        message = f"Something changed the {shown}, and no audit has seen that: run these stages again."
        return make_finding("failed", message, altered=altered)
    return make_finding("ok", "Inputs and predictions are those that features and calibrate wrote.", altered=[])
