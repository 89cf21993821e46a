"""Programs of an image, run apart from the machine: one Protocol, and the engines that there are for it."""
