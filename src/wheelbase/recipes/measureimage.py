"""What a measured build has made: its figures, and how fast its Python starts. Reads images, runs their Python."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelbase.engines import bubblewrap
from wheelbase.engines.builders import Builder
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Limits
from wheelbase.measuring.images import Contents, contents_of
from wheelbase.measuring.values import BuiltImage
from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_source
from wheelbase.oci.places import Source
from wheelbase.oci.reference import parse_reference

_STARTS = 3
# What an import may take: an interpreter with large libraries maps far more than it uses.
_LIMITS = Limits(seconds=120.0, memory=64 << 30, processes=4096)


def built_image(
    builder: Builder,
    name: str,
    *,
    scratch: Path,
    base: Sequence[int],
    wanted: Iterable[str],
    note: Callable[[str], None],
) -> tuple[BuiltImage, Mapping[str, frozenset[str]]]:
    """Read an image that a builder has, and start it a few times: what is `wanted` is imported.

    `base` are the sizes of the layers of its base. Beside it are the libraries that compiled projects load, by name.
    """
    target = scratch / "saved"
    try:
        with open_source(parse_reference(builder.save(name, target))) as source:
            contents = contents_of(source, base)
            start = _start_seconds(source, contents, {canonicalize_name(one) for one in wanted}, note)
    finally:
        shutil.rmtree(target, ignore_errors=True)
        target.with_suffix(".tar").unlink(missing_ok=True)
    loaded: dict[str, frozenset[str]] = {
        canonicalize_name(one.name): one.libraries for one in contents.installed if one.compiled
    }
    image = BuiltImage(
        image_bytes=contents.image_bytes,
        compressed_bytes=contents.compressed_bytes,
        layers=contents.layers,
        files=tuple(sorted(one.filename for one in contents.installed)),
        compiled=tuple(sorted(canonicalize_name(one.name) for one in contents.installed if one.compiled)),
        parts=contents.parts,
        start_seconds=start,
    )
    return image, loaded


def _start_seconds(source: Source, contents: Contents, wanted: set[str], note: Callable[[str], None]) -> float | None:
    """Return the median time in which the image's Python imports what is wanted, in fresh sandboxes."""
    modules = [
        module
        for one in contents.installed
        if canonicalize_name(one.name) in wanted
        for module in _main(one.name, one.modules)
    ]
    if why := bubblewrap.lacks() or ("" if modules else "nothing is known that could be imported"):
        note(f"start-up is not measured: {why}")
        return None
    program = f"import {', '.join(modules)}"
    taken = []
    try:
        with bubblewrap.opened(source, read_image(source)) as container:
            for _ in range(_STARTS):
                began = time.monotonic()
                ran = container.run(["/opt/venv/bin/python", "-c", program], _LIMITS)
                if ran.end != "exited" or ran.status:
                    said = ran.stderr.decode(errors="replace").strip().splitlines()
                    note(f"{program} failed: {(said or [ran.end])[-1][:200]}")
                    return None
                taken.append(time.monotonic() - began)
    except EngineError as error:
        note(f"start-up is not measured: {error}")
        return None
    return round(statistics.median(taken), 3)


def _main(name: str, modules: Sequence[str]) -> list[str]:
    """Return the module that a distribution is for: that of its name, else its first that is not private."""
    same = [one for one in modules if canonicalize_name(one) == canonicalize_name(name)]
    public = [one for one in modules if not one.startswith("_") and one.isidentifier()]
    return (same or public)[:1]
