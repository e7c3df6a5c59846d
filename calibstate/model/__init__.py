"""Nouns: frozen data; no I/O, no clock, no screen."""
