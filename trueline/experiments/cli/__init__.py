"""Formatting of command output: tables and JSON."""
