"""A mirror of Alpine with a handful of packages, as files by their path below its URL."""

import gzip
import io
import tarfile

MAIN = """\
P:musl
V:1.2.5-r0
S:400
I:700
p:so:libc.musl-x86_64.so.1=1

P:libfoo
V:1.0-r0
S:10
I:20
D:so:libc.musl-x86_64.so.1
p:so:libfoo.so.1=1.0

P:libfoo-dev
V:1.0-r0
S:100
I:200
D:libfoo=1.0-r0 pc:bar>=1 !libfoo2-dev
p:pc:foo-1.0=1.0 cmd:foo-config=1.0-r0

P:game
V:1
S:1
I:1
D:so:libfoo.so.1
"""
COMMUNITY = """\
P:bar-dev
V:2.0-r1
S:30
I:70
p:pc:bar=2.0

P:swig
V:4
S:5
I:6
p:cmd:swig=4
"""
WHEN = 1_774_900_000  # 2026-03-30


def index_file(text: str, *, when: float = WHEN) -> bytes:
    """Return an APKINDEX.tar.gz: a tar without an end that has the signature, and another one, each compressed."""
    signature = _tar({".SIGN.RSA.alpine@example.org.rsa.pub": b"signed"}, when)[:1024]
    rest = _tar({"DESCRIPTION": b"v3.22.3", "APKINDEX": text.encode()}, when)
    return gzip.compress(signature, mtime=0) + gzip.compress(rest, mtime=0)


def _tar(files: dict[str, bytes], when: float) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(body), when
            archive.addfile(member, io.BytesIO(body))
    return written.getvalue()


def mirror(branch: str = "v3.22", *, when: float = WHEN) -> dict[str, bytes]:
    """Return the files of one release."""
    return {
        f"/{branch}/main/x86_64/APKINDEX.tar.gz": index_file(MAIN, when=when),
        f"/{branch}/community/x86_64/APKINDEX.tar.gz": index_file(COMMUNITY, when=when),
    }
