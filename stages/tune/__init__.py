"""Fit rows in; the knobs of the learner that lose least on later rows out.

Not a shelf: the learner is a word, its space lies in params.yaml, `search` looks through it.
"""
