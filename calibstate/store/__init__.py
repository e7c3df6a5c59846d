"""Our own files, each with a format version."""
