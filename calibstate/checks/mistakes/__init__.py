"""Mistakes: what files of a state tree say and cannot mean.

A word that means nothing, or two things, would be found out at the worst
moment, in the middle of a deployment; so it is found here, and all of them
at once.  What a file that could not be read may have said is not held
against the others.  Each module is a family of rules.
"""
