"""Which file of a package pip takes on a base, and why not the others. Pure.

The order is pip's: a wheel before a source archive, then the wheel whose tag ranks best, then the higher build tag.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import BuildTag, InvalidWheelFilename, parse_wheel_filename

from wheelbase.bases.target import LEGACY, Target, pip_knows
from wheelbase.index.settings import FormatControl
from wheelbase.index.simple import Candidate

_SYSTEMS = {
    "win": "Windows",
    "macosx": "macOS",
    "ios": "iOS",
    "android": "Android",
    "emscripten": "WebAssembly",
    "pyodide": "WebAssembly",
    "pyemscripten": "WebAssembly",
    "wasi": "WebAssembly",
}
_LAST = 1 << 30  # ranks after every tag
HASH_AGAINST = "its hash is not among those that the requirements allow"
_LEGACY_GLIBC = {name: version for version, name in LEGACY.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the user's settings allow beyond what installs: hashes (None: any), formats, a date, yanked files."""

    hashes: frozenset[str] | None = None
    format_control: FormatControl = FormatControl()
    not_after: datetime | None = None
    yanked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A file with the reason against it; None where it could be taken."""

    candidate: Candidate
    against: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The file taken, None where none can be, and every file judged: the best first."""

    taken: Candidate | None
    judged: tuple[Judged, ...]


def choose(name: str, candidates: Iterable[Candidate], target: Target, policy: Policy) -> Choice:
    """Judge the files of one version of a package, in the index's order, and return pip's choice among them."""
    files = list(candidates)
    reasons = [_against(name, file, target, policy) for file in files]
    if None in reasons:  # a yanked file is taken only where all that would do are yanked (PEP 592)
        sound = any(reason is None and not file.yanked for file, reason in zip(files, reasons, strict=True))
        reasons = [
            "yanked" if sound and file.yanked and reason is None else reason
            for file, reason in zip(files, reasons, strict=True)
        ]
    judged = [Judged(candidate=file, against=reason) for file, reason in zip(files, reasons, strict=True)]
    # Of two files that rank the same pip takes the one that the index names last.
    judged.reverse()
    ordered = tuple(sorted(judged, key=lambda one: _preference(one, target), reverse=True))
    taken = ordered[0].candidate if ordered and ordered[0].against is None else None
    return Choice(taken=taken, judged=ordered)


def _preference(one: Judged, target: Target) -> tuple[int, int, BuildTag]:
    """Return what files are ordered by, the greatest first: how near to being taken, rank of the tags, build tag."""
    if not one.candidate.is_wheel:
        return -_distance(one.against), -_LAST, ()
    tags, build = parse_tags(one.candidate.filename)
    return -_distance(one.against), -min((target.tags.get(tag, _LAST - 1) for tag in tags), default=_LAST - 1), build


def _distance(against: str | None) -> int:
    """Return how far a file is from being taken, to show the near misses first."""
    if against is None:
        return 0
    return 3 if against.startswith("for ") else 2 if against.startswith("built for ") else 1


def usable(name: str, candidate: Candidate, target: Target, policy: Policy) -> bool:
    """Say whether pip could take this file."""
    return _against(name, candidate, target, policy) is None


@lru_cache(maxsize=8192)
def parse_tags(filename: str) -> tuple[frozenset[Tag], BuildTag]:
    """Return tags and build tag of a wheel; no tags where its name is not a wheel's after all."""
    try:
        _, _, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return frozenset(), ()
    return tags, build


def _against(name: str, candidate: Candidate, target: Target, policy: Policy) -> str | None:
    if policy.not_after and (candidate.upload_time is None or candidate.upload_time > policy.not_after):
        return "newer than the date" if candidate.upload_time else "its upload date is not known"
    if reason := _format_against(name, candidate, policy.format_control):
        return reason
    if candidate.is_wheel and (reason := tags_against(parse_tags(candidate.filename)[0], target)):
        return reason
    if candidate.requires_python and not python_allowed(candidate.requires_python, target.full_python):
        return f"requires Python {candidate.requires_python}; this base has {target.python}"
    if policy.hashes is not None and candidate.sha256 and candidate.sha256 not in policy.hashes:
        return HASH_AGAINST
    if candidate.yanked and not policy.yanked:
        return "yanked"
    return None


def _format_against(name: str, candidate: Candidate, control: FormatControl) -> str | None:
    if control.allows(name, wheel=candidate.is_wheel):
        return None
    return "excluded by --no-binary" if candidate.is_wheel else "excluded by --only-binary"


def python_allowed(requires_python: str, python: str) -> bool:
    """Say whether a `Requires-Python` admits a version; pip passes over one that it cannot read."""
    specifier = _specifier(requires_python)
    return specifier is None or specifier.contains(python, prereleases=True)


@lru_cache(maxsize=1024)
def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def tags_against(tags: frozenset[Tag], target: Target) -> str | None:
    """Return why a wheel with these tags does not install on the target, or None where it does."""
    if not tags:
        return "not a valid wheel name"
    if not target.tags.keys().isdisjoint(tags):
        return None
    of_this_python = [tag for tag in tags if (tag.interpreter, tag.abi) in target.interpreters]
    if of_this_python:
        return min(_platform_against(tag.platform, target) for tag in of_this_python)[1]
    # Of several Pythons the newest says most; of what is for another system that system does.
    newest = max(tags, key=lambda tag: (len(tag.interpreter), str(tag)))
    system = _other_system(newest.platform)
    return f"for {system}" if system else _python_against(newest, target)


def _platform_against(platform: str, target: Target) -> tuple[int, str]:
    """Return (rank, reason): the lower the rank, the nearer the wheel came to being installable."""
    if system := _other_system(platform):
        return 9, f"for {system}"
    if not platform.endswith(f"_{target.machine}"):
        machine = platform.removeprefix("linux_") if platform.startswith("linux_") else _machine(platform)
        return 8, f"for {machine} machines; this base is {target.machine}"
    libc, version = _libc_of(platform)
    if libc != target.libc or version > target.libc_version:
        order = version[0] * 1000 + version[1] + (1_000_000 if libc != target.libc else 0)
        return 10 + order, f"needs {libc} {version[0]}.{version[1]}; this base has {target.libc_name}"
    if not pip_knows(platform, target.pip):
        return 0, f"this base's pip {target.pip} does not know {platform.removesuffix('_' + target.machine)}"
    return 7, f"its platform {platform} is not one of this base's"


def _other_system(platform: str) -> str | None:
    return next((system for start, system in _SYSTEMS.items() if platform.startswith(start)), None)


def _machine(platform: str) -> str:
    parts = platform.split("_")
    return "_".join(parts[3:] if parts[0] in ("manylinux", "musllinux") else parts[1:])


def _libc_of(platform: str) -> tuple[str, tuple[int, int]]:
    start = platform.split("_", 1)[0]
    if start in _LEGACY_GLIBC:
        return "glibc", _LEGACY_GLIBC[start]
    parts = platform.split("_")
    if start in ("manylinux", "musllinux") and parts[1].isdigit() and parts[2].isdigit():
        return ("glibc" if start == "manylinux" else "musl"), (int(parts[1]), int(parts[2]))
    return "glibc", (0, 0)


def _python_against(tag: Tag, target: Target) -> str:
    kind, number = tag.interpreter[:2], tag.interpreter[2:]
    version = f"{number[0]}.{number[1:]}" if len(number) > 1 else number
    if kind == "pp":
        return f"built for PyPy {version}"
    if kind == "cp" and tag.abi.endswith("t") and tag.abi.startswith("cp"):
        return f"built for free-threaded CPython {version}"
    if kind == "cp" and tag.abi.startswith("abi3"):
        if tag.abi == "abi3t" and not target.free_threaded:
            return f"built for free-threaded CPython {version} or later"
        if tag.abi == "abi3" and target.free_threaded:
            return "uses the stable ABI of CPython with the GIL"
        return f"needs CPython {version} or later"
    if kind == "cp" and tag.abi == f"cp{number}" and target.free_threaded and target.python_minor == _pair(number):
        return f"built for CPython {version} with the GIL"
    if kind == "cp":
        return f"built for CPython {version}"
    if kind == "py":
        return f"built for Python {version}" + (" or later" if number.startswith("3") and len(number) > 1 else "")
    return f"built for {tag.interpreter}"


def _pair(number: str) -> tuple[int, int]:
    return (int(number[0]), int(number[1:])) if number.isdigit() and len(number) > 1 else (0, 0)
