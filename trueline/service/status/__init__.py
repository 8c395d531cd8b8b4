"""Model status: the metrics, daily figures, diagnosis and training that are shown of a model."""
