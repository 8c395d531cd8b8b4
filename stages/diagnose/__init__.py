"""Everything the corridor wrote in; what to believe of it out.

A check: `NAME` a sentence; `check(evidence)` returns a finding: `status` ok, warning, failed or declined, `summary` in
one sentence, and `details`. Every check on the shelf is run; each may decline with a reason. The limits that several
checks share come with the evidence; a check with knobs of its own has `Settings` and `check(evidence, settings)`, and
is declined for a task that has no such section.
"""
