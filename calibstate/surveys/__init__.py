"""How it stands: questions that many ask, and that change nothing."""
