"""What headers of a release's -dev packages lack, read out of the packages. Talks to a mirror; keeps no file."""

import hashlib
import io
import lzma
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from wheelbase.deb.debfile import DebFile
from wheelbase.errors import WheelbaseError
from wheelbase.index.client import Client
from wheelbase.index.values import IndexSettings
from wheelbase.source.header_survey import Headers, included_by, survey
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
_NO_HEADERS = (".c", ".f90", ".mod", ".o", ".a", ".py", ".txt", ".md", ".cmake", ".i", ".xml", ".json", ".proto")
_LARGEST = 1 << 20  # bytes of a header: tables, not declarations


def lacking_of(mirror: str, release: str) -> list[Lack]:
    """Return what the headers of a release lack, by the snapshot of it that is shipped."""
    headers = headers_of(mirror, release)
    return list(survey(headers, load_contents(release), load_packages(release), load_names()))


def headers_of(mirror: str, release: str) -> dict[str, Headers]:
    """Return what the headers of the packages include that anything is built with, by package."""
    client = Client(IndexSettings(source="apt", index_url=None))
    wanted = _wanted(load_contents(release), release)
    url = f"{mirror.rstrip('/')}/dists/{CODENAMES[release]}/main/binary-amd64/Packages.xz"
    lines = lzma.decompress(client.get(url, limit=256 << 20).body).decode("utf-8", "replace").splitlines()
    places = {one["Package"]: one for one in stanzas(lines, _FIELDS) if one["Package"] in wanted}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda one: _read(client, mirror, one), places.values())
        return {package: headers for package, headers in zip(places, read, strict=True) if headers}


def _wanted(contents: Contents, release: str) -> frozenset[str]:
    """Return the -dev packages that anything of the release is built with, and the -dev packages that these bring."""
    index = load_packages(release)
    built = [name for name in contents.with_headers() if name.endswith("-dev") and contents.popularity(name)]
    brought = {one.name for name in built for one in index.closure([name]).packages if one.name.endswith("-dev")}
    names = {*built, *brought}
    small = (one for name in names if (one := index.get(name)) and one.download_bytes <= _MOST)
    return frozenset(one.name for one in small if not contents.is_toolchain(one.name))


def _read(client: Client, mirror: str, stanza: Mapping[str, str]) -> Headers:
    body = client.get(f"{mirror.rstrip('/')}/{stanza['Filename']}", limit=_MOST).body
    if hashlib.sha256(body).hexdigest() != stanza["SHA256"]:
        raise WheelbaseError(f"{stanza['Filename']} is not the file that the index describes", hint="try again")
    return {path: included_by(path, text) for path, text in _texts(body, stanza["Filename"])}


def _texts(body: bytes, what: str) -> Iterator[tuple[str, str]]:
    """Yield the headers of a package. Its files are sorted, so that nothing is unpacked behind them."""
    for entry in DebFile(io.BytesIO(body), what).entries():
        if entry.path.startswith("usr/lib") and entry.kind == "file":
            return
        if entry.path.startswith(_HEADERS) and entry.kind == "file" and not entry.path.endswith(_NO_HEADERS):
            yield entry.path, entry.data[:_LARGEST].decode("utf-8", "replace")
