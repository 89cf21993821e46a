"""What in an image bites Python programs: probes that measure it, a table that judges it, signs in an application."""
