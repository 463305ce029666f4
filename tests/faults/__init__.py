"""A package, so that its servers end with its last test, not with the last of all."""
