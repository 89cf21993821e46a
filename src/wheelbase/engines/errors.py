"""What can go wrong with engines."""

from wheelbase.errors import WheelbaseError


class EngineError(WheelbaseError):
    """No engine can be had here, or an engine did not run what it was given."""
