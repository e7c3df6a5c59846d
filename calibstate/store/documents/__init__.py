"""JSON documents that commands print: their form, and how they are made.

Each command imports the module of its own documents only.
"""
