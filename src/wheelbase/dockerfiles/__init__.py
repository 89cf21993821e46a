"""Dockerfiles by the rules of good practice: a plan to its text. Pure."""
