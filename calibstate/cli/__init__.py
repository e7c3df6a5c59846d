"""The command line: context, verb, view, code."""
