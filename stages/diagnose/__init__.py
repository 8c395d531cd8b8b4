"""The diagnose stage: all outputs of the pipeline in, findings on how far to trust them out.

A check plugin has `NAME`, the question it answers, `ASKS`, and `check(evidence)`, which returns a finding: a `status`
(ok, warning, failed or declined), a one-sentence `summary`, and `details`. `ASKS` is "honesty" if the scores cannot be
believed where it warns or fails, else "health". Every check plugin is run; each may decline with a reason, but with
`MUST_ANSWER` the scores are doubtful if it does. Limits shared by several checks come with the evidence; a check with
parameters of its own has `Settings` and `check(evidence, settings)`, and is reported as declined for a task whose
config has no section for it.
"""
