"""A Debian archive in a folder: packages made from dicts, indices, Release files signed by a key of the tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import struct
import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pysequoia import SignatureMode, Tsk, sign

Content = str | bytes | tarfile.TarInfo


@cache
def some_key() -> Tsk:
    return Tsk.generate("An archive of the tests <nobody@example.org>")


@cache
def other_key() -> Tsk:
    return Tsk.generate("Somebody else <nobody@example.org>")


def signed(text: str, key: Tsk) -> bytes:
    return bytes(sign(key.signer(), text.encode(), mode=SignatureMode.CLEAR))


def library(name: str) -> bytes:
    """Return the least that is a shared library of 64 bits with a name."""
    strings = b"\0" + name.encode() + b"\0"
    dynamic = struct.pack("<6Q", 5, 0x1000 + 64 + 2 * 56 + 48, 14, 1, 0, 0)
    start = 64 + 2 * 56
    size = start + len(dynamic) + len(strings)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x1000, 0x1000, size, size, 0x1000)
    table = struct.pack("<IIQQQQQQ", 2, 4, start, 0x1000 + start, 0x1000 + start, len(dynamic), len(dynamic), 8)
    return header + load + table + dynamic + strings


def tar_of(files: Mapping[str, Content]) -> bytes:
    """Return a tar: `path/` is a folder, text is a file, or a link where it begins with `-> `."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
                continue
            member = tarfile.TarInfo(path if path.startswith(("/", "..")) else f"./{path}")
            data = content.encode() if isinstance(content, str) else content
            if path.endswith("/"):
                member.type, member.mode = tarfile.DIRTYPE, int(content or "755", 8)
            elif data.startswith(b"-> "):
                member.type, member.linkname = tarfile.SYMTYPE, data[3:].decode()
            else:
                member.size = len(data)
            tar.addfile(member, io.BytesIO(data) if member.isreg() else None)
    return raw.getvalue()


def ar_of(members: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members.items():
        parts.append(b"%-16b%-12d%-6d%-6d%-8b%-10d`\n" % (name.encode(), 0, 0, 0, b"100644", len(data)))
        parts += [data, b"\n" * (len(data) % 2)]
    return b"".join(parts)


def deb_of(name: str, files: Mapping[str, Content], version: str = "1.0", fields: str = "") -> bytes:
    control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n{fields}"
    sums = "".join(
        f"{hashlib.md5(content if isinstance(content, bytes) else content.encode()).hexdigest()}  {path}\n"
        for path, content in files.items()
        if not isinstance(content, tarfile.TarInfo)
    )
    return ar_of(
        {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(tar_of({"control": control, "md5sums": sums}), mtime=0),
            "data.tar.xz": lzma.compress(tar_of(files)),
        }
    )


class FakeDebian:
    """An archive and its security archive, both below a folder."""

    def __init__(self, root: Path, release: str = "trixie", key: Tsk | None = None) -> None:
        self.root, self.release, self.key = root, release, key or some_key()
        self._packages: dict[str, list[str]] = {}
        self.publish()

    @property
    def url(self) -> str:
        return f"file://{self.root}/debian"

    def add(
        self,
        name: str,
        files: Mapping[str, Content] | None = None,
        *,
        version: str = "1.0",
        suite: str = "",
        publish: bool = True,
        **fields: str,
    ) -> Path:
        """Put a package there; `suite` is empty, `-updates` or `-security`. Return the path of its file."""
        raw = deb_of(name, files or {}, version, "".join(f"{key}: {value}\n" for key, value in fields.items()))
        filename = f"pool/{name}_{version}.deb"
        path = self._folder(suite) / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        stanza = {
            "Package": name,
            "Version": version,
            "Architecture": "amd64",
            "Filename": filename,
            "Size": str(len(raw)),
            "SHA256": hashlib.sha256(raw).hexdigest(),
            **{key.replace("_", "-"): value for key, value in fields.items()},
        }
        text = "".join(f"{key}: {value}\n" for key, value in stanza.items())
        self._packages.setdefault(suite, []).append(text)
        if publish:
            self.publish()
        return path

    def publish(self, *, suites: Sequence[str] = ("", "-updates", "-security"), **fields: str) -> None:
        """Write the indices and sign them; `fields` go over those that a Release file has."""
        for suite in suites:
            folder = self._folder(suite) / "dists" / f"{self.release}{suite}"
            index = lzma.compress("\n".join(self._packages.get(suite, [])).encode())
            digest = hashlib.sha256(index).hexdigest()
            name = "main/binary-amd64/Packages.xz"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(index)
            now = datetime.now(UTC)
            stated = {
                "Origin": "Debian",
                "Codename": f"{self.release}{suite}",
                "Date": f"{now:%a, %d %b %Y %H:%M:%S} UTC",
                "Valid-Until": f"{now + timedelta(days=7):%a, %d %b %Y %H:%M:%S} UTC",
                **{key.replace("_", "-"): value for key, value in fields.items()},
                "SHA256": f"\n {digest} {len(index)} {name}",
            }
            text = "".join(f"{key}: {value}\n" for key, value in stated.items())
            (folder / "InRelease").write_bytes(signed(text, self.key))

    def _folder(self, suite: str) -> Path:
        return self.root / ("debian-security" if suite == "-security" else "debian")


def with_python(root: Path) -> FakeDebian:
    """Return an archive that has what a base is made of, each package as small as can be."""
    archive = FakeDebian(root)
    certificate = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
    archive.add(
        "base-files",
        {"bin": "-> usr/bin", "tmp/": "1777", "usr/lib/os-release": "ID=debian\n", "usr/share/doc/base-files/": ""},
        Pre_Depends="awk",
        publish=False,
    )
    archive.add(
        "ca-certificates",
        {
            "usr/share/ca-certificates/mozilla/B.crt": certificate.format("b"),
            "usr/share/ca-certificates/mozilla/A.crt": certificate.format("a"),
            "usr/sbin/update-ca-certificates": "#!/bin/sh\n",
        },
        Depends="openssl, debconf (>= 0.5) | debconf-2.0",
        publish=False,
    )
    archive.add(
        "libc6",
        {
            "lib/x86_64-linux-gnu/libc.so.6": library("libc.so.6"),
            "lib64/ld-linux-x86-64.so.2": "-> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so": library("UTF-7.so"),
            "usr/share/doc/libc6/copyright": "free\n",
            "usr/share/doc/libc6/changelog.gz": "long\n",
        },
        version="2.41-1",
        publish=False,
    )
    archive.add("libc-bin", {"usr/bin/iconv": "a program", "usr/lib/locale/C.utf8/LC_CTYPE": "utf8"}, publish=False)
    archive.add("libstdc++6", {"usr/lib/x86_64-linux-gnu/libstdc++.so.6": library("libstdc++.so.6")}, publish=False)
    for name in ("ncurses-base", "netbase", "tzdata"):
        archive.add(name, {f"usr/share/{name}/data": name}, publish=False)
    archive.add(
        "python3",
        {"usr/bin/python3": "-> python3.13", "usr/bin/py3compile": "tool"},
        version="3.13.5-1",
        Depends="python3.13 (>= 3.13.5-1~), libc6 (>= 2.38)",
        publish=False,
    )
    archive.add(
        "python3.13",
        {
            "usr/bin/python3.13": "the interpreter",
            "usr/lib/python3.13/os.py": "name = 'posix'\n",
            "usr/lib/python3.13/test/test_os.py": "import os\n",
        },
        version="3.13.5-2",
        Provides="python3-json",
    )
    return archive
