"""Explain a lookup: what wins, and why not another."""
