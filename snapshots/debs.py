"""What headers and pkg-config modules of a release's -dev packages lack, read out of these. Talks to a mirror."""

import hashlib
import io
import lzma
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from wheelbase.deb.debfile import DebFile
from wheelbase.errors import WheelbaseError
from wheelbase.index.client import Client
from wheelbase.index.values import IndexSettings
from wheelbase.source.header_survey import Asked, asked_by, survey
from wheelbase.system.apt_sources import CODENAMES
from wheelbase.system.contents import Contents, load_contents
from wheelbase.system.debian import stanzas
from wheelbase.system.lacking import Lack
from wheelbase.system.names import load_names
from wheelbase.system.packages import load_packages

_FIELDS = frozenset(("Package", "Filename", "SHA256"))
_MOST = 64 << 20  # bytes of one package: what is larger has static libraries or models, and its headers are left out
_AT_ONCE = 6
_HEADERS = "usr/include/"
_MODULES = re.compile(r"usr/(?:lib(?:/[\w-]+)?|share)/pkgconfig/([^/]+\.pc)")
_NO_HEADERS = (".c", ".f90", ".mod", ".o", ".a", ".py", ".txt", ".md", ".cmake", ".i", ".xml", ".json", ".proto")
_LARGEST = 1 << 20  # bytes of a header: tables, not declarations


def lacking_of(mirror: str, release: str) -> list[Lack]:
    """Return what the packages of a release lack, by the snapshot of it that is shipped."""
    asked = asked_in(mirror, release)
    return list(survey(asked, load_contents(release), load_packages(release), load_names()))


def asked_in(mirror: str, release: str) -> dict[str, Asked]:
    """Return what the headers and pkg-config modules of the packages ask for, by package."""
    client = Client(IndexSettings(source="apt", index_url=None))
    wanted = _wanted(load_contents(release), release)
    url = f"{mirror.rstrip('/')}/dists/{CODENAMES[release]}/main/binary-amd64/Packages.xz"
    lines = lzma.decompress(client.get(url, limit=256 << 20).body).decode("utf-8", "replace").splitlines()
    places = {one["Package"]: one for one in stanzas(lines, _FIELDS) if one["Package"] in wanted}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda one: _read(client, mirror, one), places.values())
        return {package: asked for package, asked in zip(places, read, strict=True) if asked}


def _wanted(contents: Contents, release: str) -> frozenset[str]:
    """Return the -dev packages that have headers or modules."""
    index = load_packages(release)
    names = {name for name in (*contents.with_headers(), *contents.with_modules()) if name.endswith("-dev")}
    small = (one for name in names if (one := index.get(name)) and one.download_bytes <= _MOST)
    return frozenset(one.name for one in small if not contents.is_toolchain(one.name))


def _read(client: Client, mirror: str, stanza: Mapping[str, str]) -> Asked:
    body = client.get(f"{mirror.rstrip('/')}/{stanza['Filename']}", limit=_MOST).body
    if hashlib.sha256(body).hexdigest() != stanza["SHA256"]:
        raise WheelbaseError(f"{stanza['Filename']} is not the file that the index describes", hint="try again")
    return {path: asked_by(path, text) for path, text in _texts(body, stanza["Filename"])}


def _texts(body: bytes, what: str) -> Iterator[tuple[str, str]]:
    """Yield the headers of a package, and its modules by their file's name alone."""
    for entry in DebFile(io.BytesIO(body), what).entries():
        module = _MODULES.fullmatch(entry.path)
        header = entry.path.startswith(_HEADERS) and not entry.path.endswith(_NO_HEADERS)
        if entry.kind == "file" and (module or header):
            text = entry.data[:_LARGEST].decode("utf-8", "replace")
            yield module[1] if module else entry.path, text
