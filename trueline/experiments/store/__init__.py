"""Access to what is stored of experiments: git, dvc.lock, outputs, tags and DVC's queue."""
