"""The experiment registry: lists the runs that `dvc exp` keeps, compares those that are comparable, promotes models.

Each file in `commands/` is one command: `HELP` is its line of help, `arguments(parser)` declares its options, and
`main(options)` returns the result: lines of text, or with --json anything that JSON can hold. To add a command, add a
file.
"""
