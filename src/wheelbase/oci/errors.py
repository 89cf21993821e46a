"""What can go wrong with images.

WheelbaseError
└── ImageError             an image, or the place that it is kept in, cannot be read or written
    ├── MissingError       what was asked for is not there: a blob, a manifest, a name, a file
    ├── DamagedError       a blob has other bytes than its digest promises
    └── UnwritableError    a file cannot be written: a full disk, a folder of somebody else
"""

from wheelbase.errors import WheelbaseError


class ImageError(WheelbaseError):
    """An image, or the place that it is kept in, cannot be read or written."""


class MissingError(ImageError):
    """A blob, a manifest or a name is not in the place that was asked."""


class DamagedError(ImageError):
    """A blob or a manifest has other bytes than its digest and its size promise."""


class UnwritableError(ImageError):
    """A file cannot be written."""
