"""Rules over what is declared: mistakes, which must not be, and the policy.

Both are the same noun, `Rule`, with another weight.  All read what files say
and nothing else; a mistake refuses a tree, a rule of the policy remarks on it.
"""
