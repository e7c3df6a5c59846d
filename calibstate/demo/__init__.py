"""A whole world to try: real repositories with a real declaration."""
