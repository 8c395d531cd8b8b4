"""The fault laboratory: simulated worlds in which the true cause of a fault is known."""
