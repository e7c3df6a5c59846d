"""The policy: what a reviewer would ask, asked by rules with codes.

Findings are told by ``validate``; they never stop a plan or a run.
"""
