"""Source archives: what can be known of them without running any of their code."""
