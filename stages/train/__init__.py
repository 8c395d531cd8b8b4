"""Fit rows in; a model and raw scores out.

A learner: `Settings` its knobs (those of early stopping too); `fit(rows, settings, seed, later=None, patience=None,
watch=None)` returns a model; `score(model, x)` one number a row: log-odds for a share or probability (what a softmax
within the group, or a sigmoid, turns into one), the prediction itself for a quantity; `save(model, folder)` and
`load(folder)` in native formats, never a pickle.
With `patience`, fitting stops when `later` has not improved for so many rounds; without it `later` is only watched:
`watch(step, {"fit": loss, "later": loss})`. A model carries `settled`, the knobs that early stopping chose (empty where
there are none), and `importance`, input → share.
"""
