"""What can be wrong with Debian's archive, or with what was asked of it."""

from wheelbase.errors import MirrorError


class DebError(MirrorError):
    """A Debian archive cannot be read or believed, or does not have what was asked for."""
