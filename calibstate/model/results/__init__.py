"""What use cases return: frozen nouns that know their exit codes."""
