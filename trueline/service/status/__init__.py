"""What is shown of a model: its metrics, days and training."""
