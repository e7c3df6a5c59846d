"""How a state tree begins: what is asked for, what is seen, what is written.

What is there already is never overwritten, so a beginning that was cut off is
completed by the next one.
"""
