"""The fault laboratory: worlds of which the true cause is known."""
