"""What `python -m experiments` can be asked, one file a command."""
