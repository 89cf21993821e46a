"""What an application needs: arguments, requirements files, lock files, pyproject.toml. Reads files."""
