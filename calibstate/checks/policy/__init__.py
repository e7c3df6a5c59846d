"""The policy: what a reviewer would ask, asked by rules with codes.

Each module is a family of rules: all that there is of one, but for its page
in ``docs/reference/policy``.  Findings never stop a plan or a run.
"""
