"""The recipes: one for each command, a straight line from what was asked to the answer."""
