"""`wheelbase build`: an image from wheels, without a daemon. Talks to package indexes and registries, writes places."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from wheelbase import __version__
from wheelbase.cache import Cache
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.client import CONCURRENCY
from wheelbase.index.values import IndexSettings
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import ImageIndex, RawManifest, encode
from wheelbase.oci.opening import open_sink
from wheelbase.oci.places import Blob
from wheelbase.oci.platform import Platform
from wheelbase.oci.publishing import Publishing
from wheelbase.oci.reference import DaemonReference, FileReference, Reference
from wheelbase.oci.store import Store
from wheelbase.project.application import Application, application_of
from wheelbase.project.labels import project_labels
from wheelbase.project.read import folder_of, read_requirements
from wheelbase.project.values import Requirements
from wheelbase.recipes.asking import project_settings, settings_for
from wheelbase.recipes.base import Debs, debian_base, open_base, reference_of, user_store
from wheelbase.recipes.built import Built, BuiltImage, Wish
from wheelbase.recipes.cures import Cures, check_cures, cures_of, debs_of, lacking_debs, with_cures
from wheelbase.recipes.locking import Lock, lock_of, read_lock, write_lock
from wheelbase.recipes.making import Job, Making, begin, finish
from wheelbase.recipes.plan import Plan, arch_of, plan
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
    left_out: Sequence[Path] = (),
    refresh: bool = False,
    report: Report = silent,
) -> Built:
    """Build an image, bring it to each of the destinations, and return what it is made of.

    `requirements` are PEP 508 lines, or a project's folder, or none for the one in this folder; those of `files` go in
    place of the project's. What cannot be read, resolved, fetched or written raises `WheelbaseError`, and then no
    destination names another image than before, unless only one of several failed. `lock` is what is done with the
    `wheelbase.lock` beside the project. Files that are `left_out` are no part of the project, as are the destinations.
    """
    began = time.perf_counter()
    report("reading the project", 0, 0)
    folder = folder_of(requirements)
    wish = wish.over(project_settings(requirements))
    _check_destinations(destinations, wish.on)
    named = () if folder and files else requirements
    cures = cures_of(wish.cures)
    wanted = read_requirements(
        named, files=files, constraints=constraints, extras=extras, groups=groups, allow_none=folder is not None
    )
    wanted = with_cures(wanted, cures)
    kept = read_lock(folder or Path()) if lock == "check" else None
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelbase-")))
        pool, makers = (ThreadPoolExecutor(CONCURRENCY, thread_name_prefix=name) for name in ("build", "make"))
        for one in (pool, makers):
            stack.callback(one.shutdown, wait=False, cancel_futures=True)
        outputs = [*left_out, *(Path(one.path) for one in destinations if isinstance(one, FileReference))]
        own = pool.submit(application_of, folder, scratch=scratch, outputs=outputs) if folder else None
        settings = pool.submit(settings_for, wanted)
        plans = _plans(stack, wanted, wish, cures, kept, settings=settings, refresh=refresh, report=report)
        near = reference_of(plans[0].base)
        sinks = [stack.enter_context(open_sink(reference, beside=near)) for reference in destinations]
        making = Making(
            store=user_store(),
            pool=pool,
            makers=makers,
            publishing=stack.enter_context(Publishing(sinks)),
            wish=wish,
            cures=cures,
            labels=project_labels(folder) if folder else {},
            report=report,
        )
        lock_folder = folder or Path() if lock == "write" else None
        digest, images, notes = _publish(making, plans, own, lock_folder)
    return Built(
        digest=str(digest),
        destinations=tuple(map(str, destinations)),
        images=images,
        seconds=time.perf_counter() - began,
        notes=tuple(dict.fromkeys(notes)),
    )


def _check_destinations(destinations: Sequence[Reference], platforms: Sequence[str]) -> None:
    """Refuse an index for a place that holds one image alone, before anything is done for it."""
    for one in destinations:
        if len(platforms) > 1 and (
            isinstance(one, DaemonReference) or (isinstance(one, FileReference) and one.kind == "docker-archive")
        ):
            raise RequirementsError(
                f"{one} holds an image for one platform, and {len(platforms)} are asked for",
                hint="push the image, write it with -o oci:DIR or -o oci-archive:FILE, or name one --platform",
            )


def _plans(
    stack: ExitStack,
    wanted: Requirements,
    wish: Wish,
    cures: Cures,
    kept: Lock | None,
    *,
    settings: Future[IndexSettings],
    refresh: bool,
    report: Report,
) -> list[Plan]:
    """Open the base for each platform, and return what the image is made of there.

    LockError where the lock that is kept has other parts.
    """
    base = wish.base or _default_base(wanted, wish, wish.on[0], report)
    debs = _debs(wish, cures, base, kept)

    def planned(platform: str, debs: Debs) -> Plan:
        source = stack.enter_context(open_base(base, Platform.parse(platform), debs=debs, report=report))
        return plan(
            wanted, base, platform, source, settings=settings, bytecode=wish.bytecode, refresh=refresh, report=report
        )

    plans = [planned(platform, debs) for platform in wish.on]
    check_cures(cures, plans[0].target)
    if _for_libraries(cures):
        # What wheels lack is known only when they have been chosen, for which the base has to be there.
        lacking = dict.fromkeys(name for one in plans for name in lacking_debs(one, user_store()))
        if lacking:
            debs = replace(debs, packages=(*debs.packages, *lacking))
            plans = [planned(platform, debs) for platform in wish.on]
    found = plans[0].target
    if wish.python and wish.python != "{}.{}".format(*found.python_minor):
        raise BaseError(f"{base} has Python {found.python}, not {wish.python}", hint="leave --python or --base out")
    if kept:
        kept.check(lock_of(plans))
    return plans


def _debs(wish: Wish, cures: Cures, base: str, kept: Lock | None) -> Debs:
    """Return what a base of Debian's packages has beside Python; LockError where the lock has something else."""
    packages = (*wish.debs.packages, *debs_of(cures, base))
    if kept and _for_libraries(cures):
        raise RequirementsError(
            "--cure shared-libraries looks for packages, and --locked takes those of the lock",
            hint="name them instead: --deb PACKAGE",
        )
    if kept:
        kept.check_added(packages)
    return replace(wish.debs, packages=packages, bytecode=wish.bytecode, locked=kept.debs if kept else {})


def _for_libraries(cures: Cures) -> bool:
    return any(cure.libraries for cure in cures.values())


def _default_base(wanted: Requirements, wish: Wish, platform: str, report: Report) -> str:
    """Return the base of Debian's packages that has a fitting Python; where there is none, the one recommended."""
    if debian := debian_base(wanted.requires_python, wish.python):
        return debian
    from wheelbase.recipes.compare import compare

    comparison = compare(wanted, python=wish.python, arch=arch_of(platform), report=report)
    if comparison.recommendation.base is None:
        raise BaseError(f"no base can be recommended: {comparison.recommendation.reason}", hint="name one with --base")
    return comparison.recommendation.base


def _publish(
    making: Making, plans: Sequence[Plan], own: Future[Application] | None, lock_folder: Path | None
) -> tuple[Digest, tuple[BuiltImage, ...], list[str]]:
    """Make the image of each plan, and name it everywhere; return its digest, the images, and what has to be said.

    The lock is written once the image has its name, so that it never speaks of one that is not there.
    """
    jobs = [begin(making, one) for one in plans]
    said = [making.pool.submit(_plan_notes, job) for job in jobs]
    application = own.result() if own else None
    images = [finish(making, job, application) for job in jobs]
    digest = _name(making.publishing, images)
    if lock_folder:
        write_lock(lock_folder, lock_of(plans))
    notes = [note for one in said for note in one.result()]
    if application:
        notes += application.notes
        if application.entrypoint_note and not images[0][0].settings.entrypoint and making.wish.runtime.cmd is None:
            notes.append(application.entrypoint_note)
    for image, manifest in images:
        notes += _attach(making.publishing, making.store, manifest, image.sbom)
    return digest, tuple(image for image, _ in images), notes


def _plan_notes(job: Job) -> list[str]:
    """Return what has to be said of an image; waits until its wheels are on this machine."""
    plan = job.plan
    hashes = [wheel.sha256 or wheel.url for _, wheel in plan.wheels]
    kept, key = Cache("lacking-1"), f"{__version__} {plan.image.raw_manifest.digest} {' '.join(hashes)}"
    if known := kept.get(key):
        return [*plan.notes, *msgspec.msgpack.decode(known, type=list[str])]
    # It takes tables of packages, which take longer to load than all else of a build that makes nothing new.
    from wheelbase.recipes.hazards import hazard_notes, hazards_of
    from wheelbase.system.platform import system_of

    system_of(plan.facts)  # which loads them
    for wheel in job.fetched:
        wheel.result()
    notes = list(hazard_notes(hazards_of(plan.facts, plan.wheels)))
    kept.put(key, msgspec.msgpack.encode(notes))
    return [*plan.notes, *notes]


def _name(publishing: Publishing, images: Sequence[tuple[BuiltImage, RawManifest]]) -> Digest:
    """Give the image its name everywhere, that of an index where it is for several platforms; return its digest."""
    listed = [manifest for _, manifest in images]
    if len(listed) > 1:
        children = tuple(
            replace(manifest.descriptor(), platform=Platform.parse(image.platform)) for image, manifest in images
        )
        listed.append(encode(ImageIndex(media_type=media_types.INDEX, manifests=children)))
    publishing.name(listed)
    return listed[-1].digest


def _attach(publishing: Publishing, store: Store, subject: RawManifest, sbom: bytes) -> Iterator[str]:
    """Attach an image's bill of materials to it. A registry that does not take it has the image all the same."""
    manifest, document, config = attached(subject, sbom)
    for descriptor, body in ((document, sbom), (config, EMPTY)):
        store.put_bytes(descriptor.digest, body)
    try:
        publishing.attach(manifest, [Blob(descriptor=one, source=store) for one in (document, config)])
    except ImageError as error:
        yield f"its bill of materials is not attached: {error}"
