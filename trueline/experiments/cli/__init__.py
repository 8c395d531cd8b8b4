"""Formatting of command output: tables and JSON."""

INTERRUPTED_EXIT_CODE = 130  # after Ctrl-C: 128 plus the number of SIGINT
