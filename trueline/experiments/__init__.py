"""The registry: what was tried, kept by `dvc exp`, read and compared as it may be.

`commands/` holds one file a command: `HELP` one line, `arguments(parser)` declares what it takes, `main(asked)` returns
what was found: lines of text, or with --json anything JSON can hold. Another file is another command.
"""
