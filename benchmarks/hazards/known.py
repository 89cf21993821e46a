"""Probe images and write what was found to `src/wheelbase/probes/known.toml`, with the versions that it holds for.

python benchmarks/hazards/known.py deb:trixie oci:DIR "oci:DIR=a note on it"...
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

import wheelbase.probes
from wheelbase.recipes.probe import Probed, probe

HEAD = """\
# What `wheelbase probe` has found, and when. Written by benchmarks/hazards/known.py, not by hand.
#
# `image` is empty where its name means another image elsewhere, `note` says what else is to be known of one.

"""
ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


def row(image: Probed, note: str) -> dict[str, Any]:
    identity = image.identity
    libc, _, version = identity.libc.partition(" ")
    found = {verdict: [one.id for one in image.results if one.verdict == verdict] for verdict in ("bites", "fine")}
    return {
        "probed": datetime.now(UTC).date(),
        "image": image.image if image.image.startswith("deb:") else "",
        "system": identity.system,
        "arch": ARCHES[identity.machine],
        "libc": libc,
        "libc_version": version,
        "python": identity.python,
        "note": note,
        **found,
    }


def main() -> None:
    notes = dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    probes = probe(list(notes), engine="bubblewrap")
    path = Path(wheelbase.probes.__file__).with_name("known.toml")
    path.write_text(
        HEAD + tomli_w.dumps({"base": [row(image, notes[image.image]) for image in probes.images]}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
