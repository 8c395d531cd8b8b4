"""Everything the corridor wrote in; what to believe of it out.

A check: `NAME` a sentence; `check(evidence)` returns a finding: `status` ok, warning, failed or declined, `summary` in
one sentence, and `details`. Every check on the shelf is run; each may decline with a reason.
"""
