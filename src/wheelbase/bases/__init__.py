"""Base images: what is known of them, and which wheels install on them."""
