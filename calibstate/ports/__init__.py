"""Questions that we ask the world; readers and writers apart."""
