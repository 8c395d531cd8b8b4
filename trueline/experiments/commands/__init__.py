"""What `python -m trueline experiments` can be asked, one file a command."""
