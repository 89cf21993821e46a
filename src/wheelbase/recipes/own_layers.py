"""The layers of an image that are no wheels: what ties the virtual environment to its base, the application's files.

Reads the application's files; writes to the store. Source: PEP 405 (pyvenv.cfg).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

from wheelbase.deb.rootfs import HOME, NONROOT
from wheelbase.errors import RequirementsError
from wheelbase.oci import media_types
from wheelbase.oci.image import Layer
from wheelbase.oci.layerwriter import LayerWriter, WrittenLayer
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.store import Store
from wheelbase.project.application import Application
from wheelbase.wheels.install import VENV, VenvPython

APP = "app"
_CHUNK = 256 << 10


def venv_layer(python: VenvPython, path: str, version: str, store: Store) -> WrittenLayer:
    """Write what makes a virtual environment of the folders of wheels: a link to the interpreter, and pyvenv.cfg.

    `path` is the interpreter's in the base. The folders of the application and of the user who runs it are here too.
    """
    settings = (
        f"home = {posixpath.dirname(path)}\ninclude-system-site-packages = false\nversion = {version}\n"
        f"executable = {path}\n"
    )

    def write(layer: LayerWriter) -> None:
        layer.directory(APP)
        layer.directory(HOME, uid=NONROOT, gid=NONROOT)
        layer.symlink(f"{VENV}/bin/python", path)
        for name in ("python3", "python{}.{}".format(*python.version)):
            layer.symlink(f"{VENV}/bin/{name}", "python")
        layer.directory(f"{VENV}/{python.site_packages}")
        layer.file(f"{VENV}/pyvenv.cfg", settings.encode())

    return _written(store, write)


def files_layer(application: Application, store: Store) -> WrittenLayer:
    """Write an application's files below /app; RequirementsError where one cannot be read."""

    def write(layer: LayerWriter) -> None:
        for file in application.files:
            name = f"{APP}/{file.path}"
            if file.link is not None:
                layer.symlink(name, file.link)
            else:
                layer.streamed(name, size=file.size, chunks=_content(file.source, file.size), mode=file.mode)

    return _written(store, write)


def as_layer(written: WrittenLayer) -> Layer:
    """Return a written layer as an image lists it."""
    stored = Descriptor(media_type=media_types.LAYER_GZIP, digest=written.digest, size=written.size)
    return Layer(descriptor=stored, diff_id=written.diff_id)


def _written(store: Store, write: Callable[[LayerWriter], None]) -> WrittenLayer:
    with store.new() as new:
        layer = LayerWriter(new.file)
        write(layer)
        written = layer.finish()
        new.keep(written.digest)
    return written


def _content(path: Path, size: int) -> Iterator[bytes]:
    left = size
    try:
        with path.open("rb") as file:
            while left and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk
            if left or file.read(1):
                raise RequirementsError(f"{path} changes while it is read", hint="build again when it is left alone")
    except OSError as error:
        raise RequirementsError(f"{path} cannot be read: {error.strerror}", hint="check who may read it") from error
