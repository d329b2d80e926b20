"""Grid of trainings and scores: budgets, executors, run folders, summaries."""
