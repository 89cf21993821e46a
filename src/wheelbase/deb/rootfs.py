"""The files that scripts of packages would have made, and that matter in a container. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from wheelbase.deb.debfile import DebEntry

# The user that distroless images have, who owns nothing but a home.
NONROOT = 65532
HOME = "home/nonroot"
# Folders that are one with those in /usr.
MERGED = ("bin", "sbin", "lib", "lib64")
CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_PASSWD = f"""\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/{HOME}:/sbin/nologin
"""
_GROUP = f"""\
root:x:0:
tty:x:5:
staff:x:50:
nogroup:x:65534:
nonroot:x:{NONROOT}:
"""
_NSSWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
ethers: files
rpc: files
"""
_FILES = {"etc/passwd": _PASSWD, "etc/group": _GROUP, "etc/nsswitch.conf": _NSSWITCH}
_FOLDERS = {
    "tmp": 0o1777,
    "var/tmp": 0o1777,
    "run/lock": 0o1777,
    "root": 0o700,
    "mnt": 0o755,
    "opt": 0o755,
    "srv": 0o755,
}
_LINKS = {
    "var/run": "/run",
    "var/lock": "/run/lock",
    "usr/lib/ssl/cert.pem": f"/{CA_BUNDLE}",
    "usr/lib/ssl/certs": "/etc/ssl/certs",
    "usr/bin/python": "python3",
}


def made_entries(arch: str, python: str) -> Iterator[DebEntry]:
    """Yield what is in no package; `python` is the minor version of Debian's Python (`3.13`)."""
    for name in MERGED:
        if name != "lib64" or arch == "amd64":
            yield DebEntry(path=f"usr/{name}", kind="directory", mode=0o755)
            yield DebEntry(path=name, kind="symlink", mode=0o777, link=f"usr/{name}")
    for path, mode in _FOLDERS.items():
        yield DebEntry(path=path, kind="directory", mode=mode)
    yield DebEntry(path=f"usr/local/lib/python{python}/dist-packages", kind="directory", mode=0o755)
    for path, text in _FILES.items():
        yield DebEntry(path=path, kind="file", mode=0o644, data=text.encode())
    for path, target in _LINKS.items():
        yield DebEntry(path=path, kind="symlink", mode=0o777, link=target)


def merged(entry: DebEntry) -> DebEntry | None:
    """Return an entry where it lies when /bin, /lib and others are one with those in /usr; None of those themselves."""
    top, _, rest = entry.path.partition("/")
    if entry.kind == "hardlink" and entry.link.partition("/")[0] in MERGED:
        entry = replace(entry, link=f"usr/{entry.link}")
    if top not in MERGED:
        return entry
    if not rest:
        return None
    if entry.kind == "symlink" and entry.link.startswith("../"):  # it would climb from a folder that is deeper now
        folder = posixpath.dirname(f"/{entry.path}")
        entry = replace(entry, link=posixpath.normpath(f"{folder}/{entry.link}"))
    return replace(entry, path=f"usr/{entry.path}")
