"""Statistics: group operations, intervals, bootstraps, distributions, decompositions and change detection."""
