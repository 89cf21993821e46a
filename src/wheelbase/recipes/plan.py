"""What an image is made of on one platform: its base, the wheels, the interpreter. Talks to package indexes.

Everything that can be wrong is found here, before anything is downloaded.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast, get_args

from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.errors import BaseError, ResolutionError
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.index.values import IndexSettings
from wheelbase.oci.image import Image, read_image
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform
from wheelbase.oci.reference import RegistryReference, parse_reference
from wheelbase.project.values import Requirements
from wheelbase.recipes.asking import ask, base_facts
from wheelbase.recipes.base import DEB
from wheelbase.recipes.fit import Fit, fit
from wheelbase.recipes.reporting import Report
from wheelbase.wheels.compiling import Compiler, InterpreterCompiler, find_interpreter, without_bytecode
from wheelbase.wheels.install import VenvPython

if TYPE_CHECKING:
    from wheelbase.deb.chosen import Chosen
    from wheelbase.deb.source import DebImage


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One platform of an image that is to be built.

    `base` is the name of `image`, which is read from `source`. `python_path` is the interpreter's in it, and `compiler`
    makes bytecode for it, where it is wished for and there is one here.
    """

    base: str
    source: Source
    image: Image
    facts: BaseFacts
    target: Target
    python: VenvPython
    python_path: str
    compiler: Compiler | None
    wheels: tuple[tuple[str, Candidate], ...]
    index: Index
    notes: tuple[str, ...]

    @property
    def debian(self) -> Chosen | None:
        """The parts of a base that is made of Debian's packages, None of another one."""
        return cast("DebImage", self.source).chosen if self.base.startswith(DEB) else None

    @property
    def public(self) -> bool:
        """Say whether the base's name means the same on other machines."""
        return self.base.startswith(DEB) or isinstance(parse_reference(self.base), RegistryReference)

    @property
    def platform(self) -> str:
        """Return the platform as `linux/amd64`."""
        return f"linux/{self.facts.arch}"


def arch_of(platform: str) -> Arch:
    """Return the architecture of `linux/amd64` or `amd64`; BaseError where wheelbase knows no wheels for it."""
    arch = platform.removeprefix("linux/").removesuffix("/v8")
    if arch not in get_args(Arch):
        raise BaseError(f"no image can be built for {platform}", hint="platforms are linux/amd64 and linux/arm64")
    return cast(Arch, arch)


def plan(
    wanted: Requirements,
    base: str,
    platform: str,
    source: Source,
    *,
    settings: Future[IndexSettings],
    bytecode: bool,
    refresh: bool,
    report: Report,
) -> Plan:
    """Return what an image is made of on a base that is open. The settings are not waited for before it is known.

    BaseError where that has no Python that the project allows, ResolutionError where a package has no wheel for it.
    """
    if wanted.skipped:
        raise ResolutionError(
            f"{wanted.source} needs what no index has: {'; '.join(wanted.skipped)}",
            hint="publish it to an index of your own, or build a wheel of it into a folder that find-links names",
        )
    facts = base_facts(base, arch=arch_of(platform), as_of=None, source=source, report=report)
    if facts.python is None or facts.python_path is None:
        raise BaseError(
            f"{base} has no Python of its own, and nothing is installed into it",
            hint="choose a base that has one, as the python images do",
        )
    # What pip the base has, and what that has installed, does not count: the virtual environment is our own.
    own = replace(facts, pip=None, setuptools=None, wheel=None)
    target = _target(own, base, wanted)
    asked, index = ask(wanted, python=target.python_minor, as_of=None, refresh=refresh, settings=settings.result())
    report("resolving", 0, 0)
    found = fit(asked, own, target, index)
    wheels = _wheels(found, base, target, wanted)
    python = VenvPython(
        version=target.python_minor, implementation=target.implementation, free_threaded=target.free_threaded
    )
    compiler, missing = _compiler(python) if bytecode else (None, ())
    return Plan(
        base=base,
        source=source,
        image=read_image(source, Platform.parse(platform)),
        facts=facts,
        target=target,
        python=python,
        python_path=facts.python_path,
        compiler=compiler,
        wheels=wheels,
        index=index,
        notes=(*found.notes, *missing),
    )


def _target(facts: BaseFacts, base: str, wanted: Requirements) -> Target:
    """Return the target of a base that has a Python; BaseError where the project does not allow that one."""
    target = target_of(facts)
    assert target  # it has a Python
    allowed = wanted.requires_python
    if allowed is not None and not allowed.contains(target.full_python, prereleases=True):
        raise BaseError(
            f"{wanted.source} requires Python {allowed}; {base} has {target.python}",
            hint="choose another base: `wheelbase bases` lists those that are known",
        )
    return target


def _compiler(python: VenvPython) -> tuple[Compiler | None, tuple[str, ...]]:
    """Return what compiles for a Python; None, and what is missing, where nothing here does."""
    found = find_interpreter(python.version, implementation=python.implementation, free_threaded=python.free_threaded)
    if found:
        return InterpreterCompiler(found), ()
    return None, (
        without_bytecode(python.version, implementation=python.implementation, free_threaded=python.free_threaded),
    )


def _wheels(found: Fit, base: str, target: Target, wanted: Requirements) -> tuple[tuple[str, Candidate], ...]:
    """Return each package with its wheel; ResolutionError where one has none for the base."""
    lacking = [one.package for one in found.picked if not (one.taken and one.taken.is_wheel)]
    if lacking:
        names = [f"{package.name} {package.version}" for package in lacking]
        has = "has no wheel" if len(names) == 1 else "have no wheel"
        raise ResolutionError(
            f"{', '.join(names)} {has} for {base} ({target.libc_name}, Python {target.python} on {target.machine})",
            hint=f"`wheelbase explain {lacking[0].name} --base {base}` tells why and what building it takes; "
            f"`wheelbase compare` shows bases that have wheels for {wanted.source}",
        )
    return tuple((one.package.name, one.taken) for one in found.picked if one.taken)
