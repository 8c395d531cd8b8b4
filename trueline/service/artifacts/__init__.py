"""Files of models, verified by hash, and where their versions are named."""
