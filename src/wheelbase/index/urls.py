"""URLs of indexes and their files: what of them may be shown, and what belongs to one server. Pure."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from wheelbase.errors import PackageIndexError, hide_credentials

__all__ = ["file_path", "hide_credentials", "is_remote", "origin", "split"]

_PORTS = {"http": 80, "https": 443}


def split(url: str) -> SplitResult:
    """Split a URL; one that is malformed is an error, which does not show its credentials."""
    try:
        parts = urlsplit(url)
        # "http://bob:#pw@host" is a valid URL, of the host bob: its password would be shown as a fragment.
        if (parts.port is None and parts.netloc.endswith(":")) or "@" in parts.fragment:
            raise ValueError("an @ that does not end a user name")
    except ValueError as error:
        raise PackageIndexError(
            f"{hide_credentials(url)} is not a valid URL",
            hint="write special characters in a user name or password as percent codes: %23 for #, %2F for /",
        ) from error
    return parts


def origin(url: str) -> tuple[str, str, int | None]:
    """Return (scheme, host, port): what two URLs share that lead to one server."""
    parts = split(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def is_remote(url: str) -> bool:
    """Say whether a place is not on this machine's disk, where no container finds it."""
    return "://" in url and not url.startswith("file:")


def file_path(url: str) -> Path:
    """Return the path of a `file:` URL."""
    return Path(url2pathname(urlsplit(url).path))
