"""Builds what commands work with; only here is known which adapter serves it.

Adapters are imported when they are first asked, never at start: the butler
alone takes seconds to import.
"""
