"""Train and test splits: folds, the roles of rows in them, and the data of a fold."""
