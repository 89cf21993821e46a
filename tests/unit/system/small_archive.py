"""A Debian archive of a dozen packages, as files by their path below the mirror's URL."""

import gzip
import hashlib
import lzma
from collections.abc import Mapping

CONTENTS = """\
usr/bin/foo-config                      libdevel/libfoo-dev
usr/bin/mpicc.openmpi                   net/openmpi-bin
usr/bin/only-for-users                  games/game
usr/include/aarch64-linux-gnu/foo.h     libdevel/libfoo-dev-arm64-cross
usr/include/c++/14/vector               libdevel/libstdc++-14-dev
usr/include/foo.h                       libdevel/libfoo-dev
usr/include/foo/deep/er.h               libdevel/libfoo-dev
usr/include/foo/detail/hidden.h         libdevel/libfoo-dev
usr/include/game.h                      games/game
usr/include/stdio.h                     libdevel/libc6-dev
usr/include/x86_64-linux-gnu/shared.h   libdevel/libbar-dev,libdevel/libfoo-dev
usr/lib/python3/dist-packages/foo_py-1.0.dist-info/METADATA python/python3-foo
usr/lib/x86_64-linux-gnu/cmake/Foo/FooConfig.cmake libdevel/libfoo-dev
usr/lib/x86_64-linux-gnu/libfoo.so      libdevel/libfoo-dev
usr/lib/x86_64-linux-gnu/libfoo.so.1    libs/libfoo1
usr/lib/x86_64-linux-gnu/copies/libfoo.so libdevel/libbar-dev
usr/lib/x86_64-linux-gnu/pkgconfig/foo-1.0.pc libdevel/libfoo-dev
usr/share/libbar/FindFoo.cmake          universe/libdevel/libbar-dev
"""
CONTENTS_ALL = "usr/share/pkgconfig/data.pc   misc/foo-data\n"

PACKAGES = """\
Package: libfoo-dev
Version: 1.0-1
Section: libdevel
Priority: optional
Depends: libfoo1 (= 1.0-1), libc6-dev | libc-dev, foo-tool:any
Recommends: foo-data
Size: 1000
Installed-Size: 10

Package: libfoo1
Version: 1.0-1
Section: libs
Depends: libc6 (>= 2.36)
Size: 300
Installed-Size: 3

Package: libfoo-old-dev
Version: 1.0-1
Section: oldlibs
Depends: libfoo-dev
Size: 1
Installed-Size: 1

Package: foo-data
Version: 5
Depends: virtual-thing
Size: 50
Installed-Size: 5

Package: libbar-dev
Version: 2
Section: libdevel
Depends: libfoo-dev, nowhere-to-be-found
Size: 20
Installed-Size: 2

Package: foo-tool
Version: 1:2.3
Depends: libfoo1,
 libfoo-dev
Provides: virtual-thing (= 1)
Size: 7
Installed-Size: 70

Package: aa-thing
Version: 1
Provides: virtual-thing
Size: 7
Installed-Size: 70

Package: libc6-dev
Version: 2.41
Section: libdevel
Depends: libc6
Provides: libc-dev
Size: 4
Installed-Size: 4

Package: libc6
Version: 2.41
Section: libs
Priority: required
Size: 2
Installed-Size: 2

Package: base-files
Version: 13
Essential: yes
Priority: required
Size: 1
Installed-Size: 1

Package: apt
Version: 3.0
Priority: important
Depends: libfoo1
Size: 1
Installed-Size: 1

Package: openmpi-bin
Version: 5
Section: net
Size: 1
Installed-Size: 1

Package: libstdc++-14-dev
Version: 14
Section: libdevel
Size: 1
Installed-Size: 1

Package: g++
Version: 14
Section: devel
Depends: libstdc++-14-dev
Size: 1
Installed-Size: 1

Package: game
Version: 1
Section: games
Size: 1
Installed-Size: 1
"""

SOURCES = """\
Package: one
Build-Depends: debhelper-compat (= 13), libfoo-dev (>= 1) [linux-any] <!nocheck>, aa-thing | foo-data

Package: two
Build-Depends: libfoo-old-dev
Build-Depends-Indep: libfoo-old-dev, openmpi-bin

Package: three
Build-Depends-Arch: libfoo-old-dev

Package: foo-py
Binary: foo-doc, python3-foo
Build-Depends: swig, python3-all-dev, libbaz-dev
"""


def archive(
    *, date: str = "Sat, 21 Nov 2026 09:15:44 UTC", origin: str = "Debian", codename: str = "trixie"
) -> dict[str, bytes]:
    """Return the files of a mirror."""
    indices = {"main/binary-amd64/Packages": PACKAGES.encode(), "main/source/Sources": SOURCES.encode()}
    contents = {"main/Contents-amd64": CONTENTS.encode(), "main/Contents-all": CONTENTS_ALL.encode()}
    files = {f"{name}.xz": lzma.compress(body) for name, body in indices.items()}
    files |= {f"{name}.gz": gzip.compress(body, mtime=0) for name, body in contents.items()}
    files["InRelease"] = release_file(indices | contents | files, date, origin, codename)
    return {f"/dists/{codename}/{name}": body for name, body in files.items()}


def release_file(files: Mapping[str, bytes], date: str, origin: str, codename: str) -> bytes:
    """Return a signed Release file that describes the files."""
    lines = [f" {hashlib.sha256(body).hexdigest()} {len(body)} {name}" for name, body in files.items()]
    fields = [f"Origin: {origin}", f"Codename: {codename}", f"Date: {date}", "Components: main contrib", "SHA256:"]
    signed = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    return (signed + "\n".join([*fields, *lines]) + "\n-----BEGIN PGP SIGNATURE-----\n\nabc\n").encode()
