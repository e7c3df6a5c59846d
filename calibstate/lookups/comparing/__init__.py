"""Compare what two declarations search, chain by chain."""
