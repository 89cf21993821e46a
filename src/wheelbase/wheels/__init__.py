"""Wheels: which file of a package installs on a base, and what is in it."""
