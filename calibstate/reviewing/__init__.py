"""Review a deployment: what was sealed is there, selected and readable."""
