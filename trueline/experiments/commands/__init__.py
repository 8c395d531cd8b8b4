"""The commands of `python -m trueline experiments`, one file each."""
