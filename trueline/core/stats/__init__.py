"""Statistics: groups, intervals, bootstraps, decompositions and change detection."""
