"""Odds, lines and graded bets."""
