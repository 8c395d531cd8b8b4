"""The ledger: an append-only log of every evaluation on test rows."""
