"""What a built wheel holds: its shared objects, what they need, how large they are. Needs binutils."""

import hashlib
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import msgspec

_SHARED_OBJECT = re.compile(r"\.so(\.[0-9]+)*$")
_ALWAYS = re.compile(r"(libc|libm|libgcc_s|libstdc\+\+|libpthread|libdl|librt|ld-linux-x86-64)\.so")
_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """One shared object: the sonames it needs, and a digest of its stripped bytes without the build id."""

    needed: tuple[str, ...]
    digest: str
    size: int
    stripped: int


class WheelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel's shared objects by their path, and its own size in bytes."""

    modules: dict[str, Module]
    wheel_bytes: int

    @property
    def needed(self) -> set[str]:
        """Return the sonames that neither the wheel brings along nor every Python does."""
        own = {PurePosixPath(path).name for path in self.modules}
        names = {name for module in self.modules.values() for name in module.needed} - own
        return {name for name in names if not _ALWAYS.match(name)}


def read_wheel(path: Path) -> WheelFacts:
    """Read a wheel's shared objects."""
    modules = {}
    with zipfile.ZipFile(path) as wheel, tempfile.TemporaryDirectory() as scratch:
        for name in wheel.namelist():
            if _SHARED_OBJECT.search(name):
                modules[name] = _module(wheel.read(name), Path(scratch))
    return WheelFacts(modules=modules, wheel_bytes=path.stat().st_size)


def _module(content: bytes, scratch: Path) -> Module:
    built, stripped = scratch / "built", scratch / "stripped"
    built.write_bytes(content)
    dynamic = subprocess.run(["readelf", "-dW", built], capture_output=True, text=True, check=True).stdout
    subprocess.run(["strip", "-o", stripped, built], check=True)
    size = stripped.stat().st_size
    subprocess.run(["strip", "--remove-section=.note.gnu.build-id", stripped], check=True)
    return Module(
        needed=tuple(sorted(_NEEDED.findall(dynamic))),
        digest=hashlib.sha256(stripped.read_bytes()).hexdigest(),
        size=len(content),
        stripped=size,
    )


def difference(before: WheelFacts, after: WheelFacts) -> str:
    """Say in a line what is built differently, or "" where nothing is."""
    parts = []
    for sign, first, second in (("+", before, after), ("-", after, before)):
        parts += [sign + PurePosixPath(path).name for path in sorted(second.modules.keys() - first.modules.keys())]
        parts += [sign + name for name in sorted(second.needed - first.needed)]
    common = before.modules.keys() & after.modules.keys()
    if not parts and any(before.modules[path].digest != after.modules[path].digest for path in common):
        parts.append("code")
    return " ".join(parts)
