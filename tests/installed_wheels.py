"""What lies in a virtual environment after a wheel was installed: by `installer`, and by a layer of ours."""

from __future__ import annotations

import os
import re
import tarfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import installer
import pytest
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from wheelbase.oci.store import Store
from wheelbase.wheels.compiling import Compiler
from wheelbase.wheels.install import VenvPython
from wheelbase.wheels.layer import WheelLayer, wheel_layer

PYTHON = VenvPython(version=(3, 13))
SITE_PACKAGES = "opt/venv/lib/python3.13/site-packages"
#: By path: whether it is executable, and its content.
Files = dict[str, tuple[int, bytes]]
_FOR_WINDOWS = '    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])\n'


def by_installer(wheel: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Install a wheel below a folder. What differs on purpose is put right first: scripts leave out what is there for
    Windows, and INSTALLER says `wheelbase`."""
    from installer import scripts

    template = scripts._SCRIPT_TEMPLATE
    assert "import re\n" in template and _FOR_WINDOWS in template
    monkeypatch.setattr(scripts, "_SCRIPT_TEMPLATE", template.replace("import re\n", "").replace(_FOR_WINDOWS, ""))
    with WheelFile.open(wheel) as source, _umask(), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of __pycache__ that it leaves out
        source.validate_record()
        name = source.dist_info_dir.removesuffix(".dist-info").rpartition("-")[0]
        folders = {
            "purelib": f"/{SITE_PACKAGES}",
            "platlib": f"/{SITE_PACKAGES}",
            "scripts": "/opt/venv/bin",
            "headers": f"/opt/venv/include/site/python3.13/{name}",
            "data": "/opt/venv",
        }
        destination = SchemeDictionaryDestination(folders, "/opt/venv/bin/python", "posix", destdir=str(root))
        installer.install(source, destination, {"INSTALLER": b"wheelbase\n"})
    monkeypatch.undo()
    paths = [path for path in root.rglob("*") if not path.is_dir()]
    return {str(path.relative_to(root)): (path.stat().st_mode & 0o7777, path.read_bytes()) for path in paths}


def comparable(files: Files) -> Files:
    """Return files with the lines of RECORD sorted: `installer` leaves some in the order of the wheel, and writes the
    same path as `./path` where a file of the one library folder is declared to be one of the other."""

    def sort(record: bytes) -> bytes:
        return b"".join(sorted(re.sub(rb'^("?)\./', rb"\1", line) for line in record.splitlines(keepends=True)))

    return {
        path: (mode, sort(data) if path.endswith(".dist-info/RECORD") else data) for path, (mode, data) in files.items()
    }


def by_layer(wheel: Path, sha256: str, store: Store, compiler: Compiler | None = None) -> Files:
    """Return what is in the layer of a wheel."""
    made = wheel_layer(wheel, sha256, filename=wheel.name, python=PYTHON, compiler=compiler, store=store)
    return content_of(made, store)


def content_of(made: WheelLayer, store: Store) -> Files:
    """Return the files of a layer, in its order; its folders are as they should be."""
    path = store.find(made.layer.descriptor.digest)
    assert path
    files: Files = {}
    with tarfile.open(path) as tar:
        for one in tar:
            assert (one.mtime, one.uid, one.gid, one.uname, one.gname) == (0, 0, 0, "", "")
            if one.isdir():
                assert one.mode == 0o755
            else:
                read = tar.extractfile(one)
                assert one.isfile() and read and one.name not in files
                files[one.name] = (one.mode, read.read())
    return files


@contextmanager
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)
