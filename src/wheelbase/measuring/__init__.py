"""Real builds, measured: what was recorded, how it is kept, and what it says beside the prediction."""
