"""Monitoring: Prometheus counters, the drift of predictions and the prediction log."""
