"""Tune: the parameters with which the learner of a task loses least on rows later than its fit rows.

This stage has no plugins: the learner is the one that the task names, its search space is in params.yaml under
`tune.<task>.space.<learner>`, and search.py searches it.
"""
