"""Betting: American odds, consensus lines and graded bets."""
