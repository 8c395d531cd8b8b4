"""Model files verified by hash, the git tags that name their versions, and the experiment registry."""
