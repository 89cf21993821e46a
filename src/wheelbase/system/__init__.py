"""What Linux distributions package: who owns a header, and what installing a package brings along."""
