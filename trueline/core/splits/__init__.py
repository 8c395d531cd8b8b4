"""Train and test rows: folds, their roles, and the rows of a fold."""
