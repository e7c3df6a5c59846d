"""Review a deployment: is what was sealed there, selected and readable?"""
