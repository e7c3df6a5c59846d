"""Capture a live chain: say in files what is."""
