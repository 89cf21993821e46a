"""`wheelbase build`: an image from wheels, without a daemon. Talks to package indexes and registries, writes places."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

from wheelbase.errors import BaseError
from wheelbase.index.client import CONCURRENCY
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.manifest import ImageIndex, RawManifest, encode
from wheelbase.oci.opening import open_sink
from wheelbase.oci.places import Blob
from wheelbase.oci.platform import Platform
from wheelbase.oci.publishing import Publishing
from wheelbase.oci.reference import Reference
from wheelbase.oci.store import Store
from wheelbase.project.application import application_of
from wheelbase.project.labels import project_labels
from wheelbase.project.read import is_folder, read_requirements
from wheelbase.project.values import Requirements
from wheelbase.recipes.asking import project_settings
from wheelbase.recipes.base import debian_base, open_base, reference_of, user_store
from wheelbase.recipes.built import Built, Wish
from wheelbase.recipes.locking import lock_of, read_lock, write_lock
from wheelbase.recipes.making import Making, begin, finish
from wheelbase.recipes.plan import arch_of, plan
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.sbom import EMPTY, attached

_NOTHING_SAID = Wish()


def build(
    requirements: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    destinations: Sequence[Reference] = (),
    wish: Wish = _NOTHING_SAID,
    lock: Literal["write", "check"] | None = None,
    refresh: bool = False,
    report: Report = silent,
) -> Built:
    """Build an image, bring it to each of the destinations, and return what it is made of.

    `requirements` are PEP 508 lines, or a project's folder, or none for the one in this folder; those of `files` go in
    place of the project's. What cannot be read, resolved, fetched or written raises `WheelbaseError`, and then no
    destination names another image than before. `lock` is what is done with the `wheelbase.lock` beside the project.
    """
    began = time.perf_counter()
    report("reading the project", 0, 0)
    folder = _folder(requirements)
    wish = wish.over(project_settings(requirements))
    platforms = wish.platforms or ("linux/amd64",)
    named = () if folder and files else requirements
    wanted = read_requirements(named, files=files, constraints=constraints, extras=extras, groups=groups)
    kept = read_lock(folder or Path()) if lock == "check" else None
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelbase-")))
        pool = stack.enter_context(ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="build"))
        stack.callback(pool.shutdown, cancel_futures=True)
        own = pool.submit(application_of, folder, scratch=scratch) if folder else None
        base = wish.base or _default_base(wanted, wish, platforms[0], report)
        debs = replace(wish.debs, bytecode=wish.bytecode, locked=kept.debs if kept else {})
        plans = []
        for platform in platforms:
            source = stack.enter_context(open_base(base, Platform.parse(platform), debs=debs, report=report))
            plans.append(plan(wanted, base, platform, source, refresh=refresh, report=report))
        parts = lock_of(plans)
        if kept:
            kept.check(parts)
        near = reference_of(base)
        publishing = stack.enter_context(
            Publishing([stack.enter_context(open_sink(reference, beside=near)) for reference in destinations])
        )
        labels = project_labels(folder) if folder else {}
        making = Making(store=user_store(), pool=pool, publishing=publishing, wish=wish, labels=labels, report=report)
        jobs = [begin(making, one) for one in plans]
        application = own.result() if own else None
        images = [finish(making, job, application) for job in jobs]
        digest = _name(publishing, [(image.platform, manifest) for image, manifest in images])
        for image, manifest in images:
            _attach(publishing, making.store, manifest, image.sbom)
    if lock == "write":
        write_lock(folder or Path(), parts)
    notes = [note for job in jobs for note in job.notes]
    return Built(
        digest=str(digest),
        destinations=tuple(map(str, destinations)),
        images=tuple(image for image, _ in images),
        seconds=time.perf_counter() - began,
        notes=tuple(dict.fromkeys([*notes, *(application.notes if application else ())])),
    )


def _folder(requirements: Sequence[str]) -> Path | None:
    """Return the folder whose application goes into the image; None where packages are named instead."""
    if not requirements:
        return Path()
    return Path(requirements[0]) if len(requirements) == 1 and is_folder(requirements[0]) else None


def _default_base(wanted: Requirements, wish: Wish, platform: str, report: Report) -> str:
    """Return the base of Debian's packages that has a fitting Python; where there is none, the one recommended."""
    if debian := debian_base(wanted.requires_python, wish.python):
        return debian
    from wheelbase.recipes.compare import compare

    comparison = compare(wanted, python=wish.python, arch=arch_of(platform), report=report)
    if comparison.recommendation.base is None:
        raise BaseError(f"no base can be recommended: {comparison.recommendation.reason}", hint="name one with --base")
    return comparison.recommendation.base


def _name(publishing: Publishing, manifests: Sequence[tuple[str, RawManifest]]) -> Digest:
    """Give the image its name everywhere, that of an index where it is for several platforms; return its digest."""
    listed = [manifest for _, manifest in manifests]
    if len(listed) > 1:
        children = tuple(
            replace(manifest.descriptor(), platform=Platform.parse(platform)) for platform, manifest in manifests
        )
        listed.append(encode(ImageIndex(media_type=media_types.INDEX, manifests=children)))
    publishing.name(listed)
    return listed[-1].digest


def _attach(publishing: Publishing, store: Store, subject: RawManifest, sbom: bytes) -> None:
    """Attach an image's bill of materials to it."""
    manifest, document, config = attached(subject, sbom)
    for descriptor, body in ((document, sbom), (config, EMPTY)):
        store.put_bytes(descriptor.digest, body)
    publishing.attach(manifest, [Blob(descriptor=one, source=store) for one in (document, config)])
