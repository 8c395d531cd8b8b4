"""Replays of past days as if they were today, to compare what is predicted live with the backtest."""
