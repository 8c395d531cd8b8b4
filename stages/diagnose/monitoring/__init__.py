"""Monitoring: graded units in; the daily table with its alerts, and the report on one day, out."""
