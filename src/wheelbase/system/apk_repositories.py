"""Where the user's machine gets Alpine's packages from: `/etc/apk/repositories`. Reads files."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from wheelbase.errors import MirrorError

VARIABLE = "WHEELBASE_ALPINE_MIRROR"
HINT = f"set {VARIABLE} to the URL of a mirror: that of the folder that has v3.22/ and the like in it"
# URLs and paths, perhaps with a tag before them: of whichever release, a mirror has the others beside it.
_REPOSITORY = re.compile(
    r"(?:@\S+\s+)?((?:https?://|file:/|/)\S*?)/+(?:v\d+\.\d+|edge|latest-stable)/(?:main|community)/?"
)


def alpine_mirrors(folder: Path = Path("/etc/apk")) -> tuple[str, ...]:
    """Return the URLs of mirrors to ask, the first one first: the environment's alone where it names one."""
    if named := os.environ.get(VARIABLE):
        return (named.rstrip("/"),)
    files = [folder / "repositories", *sorted(folder.glob("repositories.d/*.list"))]
    found = dict.fromkeys(root for path in files for root in _roots(_lines(path)))
    if not found:
        raise MirrorError(f"no mirror of Alpine is set up in {folder}", hint=HINT)
    return tuple(found)


def _lines(path: Path) -> list[str]:
    """Return the lines of a file; one that this user may not read has none."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _roots(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        if found := _REPOSITORY.fullmatch(line.partition("#")[0].strip()):
            yield Path(found[1]).as_uri() if found[1].startswith("/") else found[1]
