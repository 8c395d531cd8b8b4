"""Claims of speed, as commands: ratios against a named alternative in the same run."""
