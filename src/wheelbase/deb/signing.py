"""Who signed a Release file: only what Debian's archive keys have signed is believed.

The keys are those of the package debian-archive-keyring 2025.1, the same wherever this runs: what the host trusts, or
has installed, makes no difference.
Source: RFC 9580 (OpenPGP), section 7 (cleartext signatures).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pysequoia import Cert, verify

from wheelbase.deb.errors import DebError

_KEYS = "debian-archive-keyring.pgp"


def signed_text(body: bytes, where: str, keys: Sequence[Cert]) -> str:
    """Return what is signed in an InRelease file, and nothing that stands around it.

    DebError, which names `where`, unless one of the keys has made a valid signature of it.
    """
    try:
        verified = verify(bytes=body, store=lambda _: list(keys))
    except Exception as error:  # the library raises what it likes, with a trace of its own in the message
        said = str(error).strip().partition("\n")[0]
        raise DebError(
            f"{where} is not signed by Debian's archive: {said}",
            hint="it was changed on its way, or the mirror is not Debian's: nothing of it is used",
        ) from error
    assert verified.valid_sigs and verified.bytes is not None  # else it has raised
    return bytes(verified.bytes).decode("utf-8", "replace")


@cache
def archive_keys() -> tuple[Cert, ...]:
    """Return the keys that Debian's archive, its security archive and its stable releases are signed with."""
    return tuple(Cert.split_bytes((files("wheelbase.deb") / "data" / _KEYS).read_bytes()))
