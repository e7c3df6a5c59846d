"""One file per kind of resource: look, compare, mend."""
