"""From the log of a failed build to the system packages that it wants: patterns, names, and the loop that tries."""
