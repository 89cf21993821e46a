"""What a build answers, as text and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from wheelbase.recipes.built import Built, BuiltImage, BuiltLayer
from wheelbase.report.units import megabytes, names

_MOST_SHOWN = 3
_WIDTH = 80


def build_text(built: Built) -> str:
    """Return what was made: each image's layers, then its digest and where it is. Plain lines: rich takes long."""
    lines: list[str] = []
    for image in built.images:
        lines += [*_image(image), ""]
    for note in built.notes:
        lines += textwrap.wrap(f"note: {note}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    lines += [built.digest, *(f"  -> {where}" for where in built.destinations), f"built in {built.seconds:.1f} s"]
    return "\n".join(lines)


def _image(image: BuiltImage) -> Iterator[str]:
    size = f"{megabytes(image.image_bytes)} MB, " if image.image_bytes is not None else ""
    pulled = megabytes(image.image_compressed_bytes)
    yield f"{image.base} on {image.platform}, Python {image.python}"
    yield f"{size}{pulled} MB to pull; runs {' '.join(_command(image))} as {image.settings.user or 'root'}"
    rows = [
        (_contents(layer), megabytes(layer.tar_bytes), megabytes(layer.layer.descriptor.size), layer.reused)
        for layer in image.layers
    ]
    width = max(len("Layer"), *(len(row[0]) for row in rows))
    yield f"{'Layer':{width}}    MB  Pulled MB"
    for contents, size, pulled, reused in rows:
        yield f"{contents:{width}}  {size:>4}  {pulled:>9}{'  reused' if reused else ''}"


def _command(image: BuiltImage) -> tuple[str, ...]:
    return (*(image.settings.entrypoint or ()), *(image.settings.cmd or ()))


def _contents(layer: BuiltLayer) -> str:
    shown = layer.contents[:_MOST_SHOWN]
    more = len(layer.contents) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else names(shown)


def build_json(built: Built) -> str:
    """Return the document of schema `wheelbase.build/1`; the fields of the first image stand at the top too."""
    images = [_image_document(image) for image in built.images]
    document = {"schema": "wheelbase.build/1", **images[0]}
    document |= {
        "digest": built.digest,
        "destinations": list(built.destinations),
        "seconds": round(built.seconds, 3),
        "notes": list(built.notes),
        "images": images,
    }
    return json.dumps(document, indent=2)


def _image_document(image: BuiltImage) -> dict[str, Any]:
    return {
        "digest": image.digest,
        "platform": image.platform,
        "base": image.base,
        "base_digest": image.base_digest,
        "python": image.python,
        "user": image.settings.user,
        "entrypoint": list(image.settings.entrypoint or ()),
        "cmd": list(image.settings.cmd or ()),
        "image_bytes": image.image_bytes,
        "image_compressed_bytes": image.image_compressed_bytes,
        "layers": [_layer_document(layer) for layer in image.layers],
    }


def _layer_document(layer: BuiltLayer) -> dict[str, Any]:
    stored = layer.layer.descriptor
    return {
        "digest": str(stored.digest),
        "diff_id": str(layer.layer.diff_id),
        "bytes": stored.size,
        "tar_bytes": layer.tar_bytes,
        "packages": list(layer.contents),
        "reused": layer.reused,
    }
