"""Measurements, side by side with the stock tools: ``make bench``."""
