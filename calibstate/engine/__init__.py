"""Verbs, the same for every kind."""
