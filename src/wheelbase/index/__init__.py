"""Package indexes: which ones the user has set, what they offer, and reading from them over kept connections."""
