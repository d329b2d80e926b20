"""Statistics of scores: intervals and verdicts."""
