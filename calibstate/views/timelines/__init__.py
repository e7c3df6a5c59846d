"""Timelines for people: as a picture, and as a table without linear time.

A picture is fluid: what is drawn stands by per cent of the width, and texts
keep their size.  So one file serves a telephone and a wall.
"""
