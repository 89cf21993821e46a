"""One platform of an image: its layers made, sent and put together. Talks to package indexes, writes the store."""

from __future__ import annotations

import os
import platform
import posixpath
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import parse_wheel_filename

from wheelbase import __version__
from wheelbase.bases.target import Target
from wheelbase.deb.rootfs import HOME, NONROOT
from wheelbase.errors import BaseError
from wheelbase.index.simple import Candidate
from wheelbase.oci.assembly import Addition, Assembled, Runtime, assemble
from wheelbase.oci.image import Image
from wheelbase.oci.layerwriter import joined
from wheelbase.oci.manifest import RawManifest
from wheelbase.oci.places import Blob
from wheelbase.oci.publishing import Publishing
from wheelbase.oci.store import Store
from wheelbase.project.application import Application
from wheelbase.project.labels import PREFIX
from wheelbase.recipes.built import BuiltImage, BuiltLayer, Wish
from wheelbase.recipes.cures import LABEL, Cures, cure_env, cure_layer
from wheelbase.recipes.grouping import MOST_LAYERS, grouped
from wheelbase.recipes.own_layers import APP, as_layer, files_layer, venv_layer
from wheelbase.recipes.plan import Plan
from wheelbase.recipes.reporting import Report
from wheelbase.recipes.sbom import Part, bill_of_materials
from wheelbase.wheels.fetch import fetch_wheel
from wheelbase.wheels.install import VENV, VenvPython
from wheelbase.wheels.layer import WheelLayer, wheel_layer
from wheelbase.wheels.select import parse_tags, tags_against

_AUTHOR = f"wheelbase {__version__}"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The layer of the virtual environment, and that of the application.
_OWN_LAYERS = 2
_PYTHON = re.compile(r"python[0-9.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What all platforms of a build share. Wheels are fetched in the `pool`; `makers` wait for them and make layers."""

    store: Store
    pool: ThreadPoolExecutor
    makers: ThreadPoolExecutor
    publishing: Publishing
    wish: Wish
    cures: Cures
    labels: Mapping[str, str]
    report: Report
    fetched: dict[str, Future[tuple[Path, str]]] = field(default_factory=dict)
    made: dict[tuple[str, VenvPython, str], Future[WheelLayer]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One platform whose wheels are being fetched, and layers made of them."""

    plan: Plan
    fetched: tuple[Future[tuple[Path, str]], ...]
    wheels: tuple[Future[WheelLayer], ...]


def begin(making: Making, plan: Plan) -> Job:
    """Begin to send the base's layers, and to fetch the wheels and make layers of them, the largest first."""
    for layer in plan.image.layers:
        making.publishing.send(Blob(descriptor=layer.descriptor, source=plan.source))
    alone = len(plan.wheels) <= _budget(making, plan.image)

    def make(wheel: Candidate, fetched: Future[tuple[Path, str]]) -> WheelLayer:
        path, sha256 = fetched.result()
        made = wheel_layer(
            path, sha256, filename=wheel.filename, python=plan.python, compiler=plan.compiler, store=making.store
        )
        if alone:  # where layers are shared, which do is known only when all are there
            making.publishing.send(Blob(descriptor=made.layer.descriptor, source=making.store))
        return made

    ordered = sorted((wheel for _, wheel in plan.wheels), key=lambda wheel: wheel.size or 0, reverse=True)
    compiled = plan.compiler.key if plan.compiler else ""
    fetched, made = [], []
    for wheel in ordered:
        # Platforms share the wheels that are for all of them.
        if wheel.url not in making.fetched:
            making.fetched[wheel.url] = making.pool.submit(fetch_wheel, plan.index.client, wheel, making.store)
        fetched.append(making.fetched[wheel.url])
        key = (wheel.url, plan.python, compiled)
        if key not in making.made:
            making.made[key] = making.makers.submit(make, wheel, fetched[-1])
        made.append(making.made[key])
    return Job(plan=plan, fetched=tuple(fetched), wheels=tuple(made))


def finish(making: Making, job: Job, application: Application | None) -> tuple[BuiltImage, RawManifest]:
    """Wait for the layers, add those that are the application's own, and return the image; it has no name yet."""
    made = []
    for done, future in enumerate(job.wheels, 1):
        made.append(future.result())
        making.report("making layers", done, len(job.wheels))
    layers = [*_wheel_layers(making, made, _budget(making, job.plan.image)), *_own_layers(making, job, application)]
    for layer in layers:
        making.publishing.send(Blob(descriptor=layer.layer.descriptor, source=making.store))
    runtime = _runtime(making, job, application)
    additions = [Addition(layer=one.layer, created_by=", ".join(one.contents)) for one in layers]
    assembled = assemble(job.plan.image, additions, runtime, author=_AUTHOR)
    making.store.put_bytes(assembled.config_descriptor.digest, assembled.config)
    making.publishing.send(Blob(descriptor=assembled.config_descriptor, source=making.store))
    return _built(job, layers, assembled, bill_of_materials(_parts(job, application))), assembled.manifest


def _budget(making: Making, base: Image) -> int:
    return MOST_LAYERS - len(base.layers) - _OWN_LAYERS - bool(making.cures)


def _wheel_layers(making: Making, made: Sequence[WheelLayer], budget: int) -> list[BuiltLayer]:
    layers = []
    for group in grouped(made, budget):
        parts = [
            BuiltLayer(
                layer=one.layer,
                tar_bytes=one.tar_bytes,
                contents=(f"{one.package} {one.version}",),
                reused=one.reused,
            )
            for one in group
        ]
        layers.append(parts[0] if len(parts) == 1 else _joined(making.store, parts))
    return layers


def _joined(store: Store, parts: Sequence[BuiltLayer]) -> BuiltLayer:
    with ExitStack() as stack, store.new() as new:
        blobs = [Blob(descriptor=part.layer.descriptor, source=store) for part in parts]
        written = joined([stack.enter_context(blob.open()) for blob in blobs], new.file)
        new.keep(written.digest)
    return BuiltLayer(
        layer=as_layer(written),
        tar_bytes=written.tar_bytes,
        contents=tuple(name for part in parts for name in part.contents),
        reused=all(part.reused for part in parts),
    )


def _own_layers(making: Making, job: Job, application: Application | None) -> list[BuiltLayer]:
    """Make the layers that no other application has: the last is what its author changes most often."""
    plan = job.plan
    tie = venv_layer(plan.python, plan.python_path, plan.facts.python or "", making.store)
    layers = [BuiltLayer(layer=as_layer(tie), tar_bytes=tie.tar_bytes, contents=("virtual environment",), reused=False)]
    if cured := cure_layer(making.cures, plan.python, making.store):
        contents = tuple(f"cure of {name}" for name in making.cures)
        layers.append(BuiltLayer(layer=as_layer(cured), tar_bytes=cured.tar_bytes, contents=contents, reused=False))
    if application and application.wheel and application.wheel_sha256:
        _check_own(application, plan)
        made = wheel_layer(
            application.wheel,
            application.wheel_sha256,
            filename=application.wheel.name,
            python=plan.python,
            compiler=plan.compiler,
            store=making.store,
        )
        contents = (f"{made.package} {made.version}",)
        layers.append(BuiltLayer(layer=made.layer, tar_bytes=made.tar_bytes, contents=contents, reused=made.reused))
    elif application and application.files:
        own = files_layer(application, making.store)
        layers.append(
            BuiltLayer(layer=as_layer(own), tar_bytes=own.tar_bytes, contents=("application files",), reused=False)
        )
    return layers


def _check_own(application: Application, plan: Plan) -> None:
    """Refuse the application's own wheel where it was compiled for this machine alone, and the base is another one."""
    assert application.wheel
    tags, _ = parse_tags(application.wheel.name)
    reason = tags_against(tags, plan.target)
    if not reason and any(tag.platform.startswith("linux_") for tag in tags) and not _is_like_here(plan.target):
        reason = f"compiled here, for another C library than {plan.target.libc_name}"
    if reason:
        raise BaseError(
            f"the project's own wheel {application.wheel.name} is {reason}: it does not install on {plan.base}",
            hint="publish wheels of it for the base (cibuildwheel makes them), and name the package, not the folder",
        )


def _is_like_here(target: Target) -> bool:
    """Say whether what is compiled on this machine runs on a target: the same C library, in no older version."""
    name, version = platform.libc_ver()
    if name != "glibc":  # Python does not tell musl
        return target.libc == "musl"
    here = tuple(int(part) for part in version.split(".")[:2])
    return target.libc == "glibc" and target.machine == platform.machine() and target.libc_version >= here


def _runtime(making: Making, job: Job, application: Application | None) -> Runtime:
    """Return how the image runs: what was asked for, else what the base and the project say."""
    asked, config = making.wish.runtime, job.plan.image.config
    path = config.env_var("PATH") or _PATH
    env_vars: dict[str, str] = {
        "PATH": f"/{VENV}/bin:{path}",
        "VIRTUAL_ENV": f"/{VENV}",
        "PYTHONUNBUFFERED": "1",
        **cure_env(making.cures, job.plan.python),
    }
    user = asked.user
    if user is None and config.user.partition(":")[0] in ("", "0", "root"):
        user = f"{NONROOT}:{NONROOT}"
        env_vars["HOME"] = f"/{HOME}"
    entrypoint = asked.entrypoint
    if entrypoint is None and application and application.entrypoint:
        entrypoint = (f"/{VENV}/bin/{application.entrypoint}",)
    if entrypoint is None and config.entrypoint and _PYTHON.fullmatch(posixpath.basename(config.entrypoint[0])):
        # The base's own Python knows nothing of the virtual environment.
        entrypoint = (f"/{VENV}/bin/python", *config.entrypoint[1:])
    cmd = asked.cmd
    if entrypoint is None and cmd is None and not config.entrypoint:
        cmd = (f"/{VENV}/bin/python",)
    cured = {LABEL: " ".join(making.cures)} if making.cures else {}
    labels = {**making.labels, **_labels(job, application), **cured, **asked.labels}
    return replace(
        asked,
        env_vars={**env_vars, **asked.env_vars},
        entrypoint=entrypoint,
        cmd=cmd,
        user=user,
        working_dir=asked.working_dir or f"/{APP}",
        labels=labels,
        annotations={name: text for name, text in labels.items() if name.startswith(f"{PREFIX}.")},
        created=_created(),
    )


def _labels(job: Job, application: Application | None) -> Mapping[str, str]:
    """Return what the image says of its base, and of the application's version where only its wheel tells that."""
    labels = {f"{PREFIX}.base.digest": str(job.plan.image.raw_manifest.digest)}
    if job.plan.public:  # a path would be another one on the next machine
        labels[f"{PREFIX}.base.name"] = job.plan.base
    if application and application.wheel:
        labels[f"{PREFIX}.version"] = str(parse_wheel_filename(application.wheel.name)[1])
    return labels


def _created() -> str:
    """Return the time that SOURCE_DATE_EPOCH names, else the first there is: it must not be that of the build."""
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(stated) if re.fullmatch(r"\d{1,11}", stated) else 0
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parts(job: Job, application: Application | None) -> list[Part]:
    """Return what goes into the bill of materials."""
    digest = job.plan.image.raw_manifest.digest
    base = job.plan.base if job.plan.public else "base"
    parts = [Part(name=base, version=str(digest), sha256=digest.hex, kind="base")]
    parts += [Part(name=name, version=str(wheel.version), sha256=wheel.sha256 or "") for name, wheel in job.plan.wheels]
    if chosen := job.plan.debian:
        parts += [
            Part(name=one.name, version=one.version, sha256=one.sha256, kind="deb", arch=chosen.arch)
            for one in chosen.packages
        ]
    if application and application.wheel:
        name, version, _, _ = parse_wheel_filename(application.wheel.name)
        parts.append(Part(name=name, version=str(version), sha256=application.wheel_sha256 or ""))
    return parts


def _built(job: Job, layers: Sequence[BuiltLayer], assembled: Assembled, sbom: bytes) -> BuiltImage:
    base = job.plan.facts.uncompressed_bytes
    return BuiltImage(
        platform=job.plan.platform,
        base=job.plan.base,
        base_digest=str(job.plan.image.raw_manifest.digest),
        python=job.plan.facts.python or "",
        digest=str(assembled.manifest.digest),
        layers=tuple(layers),
        image_bytes=base + sum(one.tar_bytes for one in layers) if base is not None else None,
        image_compressed_bytes=sum(layer.descriptor.size for layer in assembled.layers),
        settings=assembled.settings,
        sbom=sbom,
    )
