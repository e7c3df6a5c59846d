"""Use cases: one verb a file, each a function that returns a result.

Nothing here prints, asks or knows the command line: a test, a page and a
notebook call the same functions as the commands do.
"""
