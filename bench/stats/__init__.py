"""Statistics of scores: variance, intervals, ties."""
