"""Train: learners, fitted on the `fit` rows of a fold, give raw scores to rows that they have not seen.

A learner is named in `tasks.<task>.learner`. It defines

- `Settings`: its parameters, without defaults, including those that early stopping may choose; read from
  `train.<task>.<word>`;
- `fit(rows, settings, seed, monitor=NO_MONITOR)`: returns a model; `rows` and `monitor.later` are `FoldData`. With
  `monitor.patience`, fitting stops once the loss on `later` has not improved for that many rounds; without it, `later`
  is only watched and changes nothing. `monitor.watch(step, {"fit": loss, "later": loss})` is called as the rounds go
  by. A learner without rounds ignores the monitor;
- `score(model, x)`: returns one number per row, or rows × tags. For a share or a probability these are log-odds (a
  softmax within the group, or a sigmoid, turns them into one); for a quantity, the prediction itself;
- `save(model, folder)` and `load(folder)`: write and read the model in native formats, never a pickle.

What `fit` and `score` return depends on their arguments and the code alone: it is kept and not computed again.

A model has two attributes: `settled`, the parameters that early stopping chose, by name (empty if it chose none), and
`importance`, each input's share.
"""
