"""Core: small modules that know of no task; a change to one re-runs every stage that imports it."""
