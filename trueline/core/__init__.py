"""The ground floor: small files, one idea each, no task words; every stage that imports one re-runs when it changes."""
