"""One trial: an archive built by pip in a clean root that has certain Debian packages and no others."""

import hashlib
import shutil
from pathlib import Path

import msgspec
from benchmarks.sysdeps.chroot import Cache, overlay, owners, run
from benchmarks.sysdeps.wheel_facts import WheelFacts, read_wheel

_REQUIRES = """
import sys, tomllib, pathlib
from pip._vendor.pyproject_hooks import BuildBackendHookCaller
file = pathlib.Path("pyproject.toml")
build = tomllib.loads(file.read_text()).get("build-system", {}) if file.exists() else {}
if sys.argv[1] == "static":
    needs = build.get("requires", ["setuptools>=40.8.0"])
else:
    backend = build.get("build-backend", "setuptools.build_meta:__legacy__")
    needs = BuildBackendHookCaller(".", backend, build.get("backend-path")).get_requires_for_build_wheel()
pathlib.Path("/build/" + sys.argv[1]).write_text("\\n".join(needs) + "\\n")
"""
"""The two lists of build requirements that pip would install into its isolated environment."""

_UNPACK = """
set -e
rm -rf /build/src /build/tmp; mkdir -p /build/tmp; cd /build/tmp
case /build/ARCHIVE in
  *.zip) python3 -m zipfile -e /build/ARCHIVE . ;;
  *) tar --no-same-owner -xf /build/ARCHIVE ;;
esac
mv ./* /build/src; cd /build/src
"""
_VENV = """
set -e
python3 -m venv /opt/build
pip install -q -U pip
pip uninstall -q -y setuptools 2>/dev/null || true
"""
_INSTALL = "pip install -q --prefer-binary -c /build/pins -r /build/LIST"
_BUILD = """
TIMEFORMAT='%R %U %S'
mkdir -p /build/wheel
{ time pip wheel -v --no-cache-dir --no-deps --no-build-isolation -w /build/wheel . >/build/said 2>&1; } 2>/build/time
status=$?
cat /build/said
exit $status
"""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one build. `stage` is where it ended: packages, requirements, build or, where it succeeded, done."""

    stage: str
    log: str
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    facts: WheelFacts | None = None
    run: tuple[str, ...] = ()


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is built: an archive's file, the Debian release, and pins of build requirements."""

    archive: Path
    release: str
    pins: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return a name for the cache."""
        pins = hashlib.sha256("\n".join(self.pins).encode()).hexdigest()[:8]
        return f"{self.archive.name}-{self.release}-{pins}"


def build(cache: Cache, subject: Subject, packages: frozenset[str], *, again: int = 0) -> Trial:
    """Build with these packages, or recall that it was done. `again` counts repetitions of one trial."""
    label = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12] + f"-{again}"
    kept = cache.made("trials", subject.key) / f"{label}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=Trial)
    log = cache.made("logs", subject.key) / f"{label}.log"
    log.write_text(f"packages: {' '.join(sorted(packages))}\n")
    layers, late = _prepare(cache, subject)
    upper = cache.folder / "mount" / "upper"
    shutil.rmtree(upper, ignore_errors=True)
    with overlay(cache, subject.release, layers, upper) as root:
        trial = _build_in(root, subject, packages, late, log)
    shutil.rmtree(upper)
    if trial.stage != "packages":
        kept.write_bytes(msgspec.json.encode(trial))
    return trial


def _virtual_env(cache: Cache, release: str) -> Path:
    """Return a layer with an empty virtual environment and the newest pip."""
    layer, log = cache.folder / "virtual-env" / release, cache.made("logs") / f"{release}.log"
    done = layer.with_name(f"{release}.done")
    if not done.exists():
        shutil.rmtree(layer, ignore_errors=True)
        with overlay(cache, release, (), layer) as root:
            if not run(root, _VENV, log, network=True):
                raise RuntimeError(f"no virtual environment: see {log}")
        done.touch()
    return layer


def _prepare(cache: Cache, subject: Subject) -> tuple[tuple[Path, ...], int]:
    """Return layers with the build requirements, and how many of their three steps need packages first.

    The steps: what pyproject.toml lists, what the backend asks for (which may run setup.py, which may want a
    library's *-config program), and installing that.
    """
    layer = cache.folder / "requirements" / subject.key
    state = layer.with_name(f"{layer.name}.late")
    below = _virtual_env(cache, subject.release)
    if not state.exists():
        shutil.rmtree(layer, ignore_errors=True)
        log = cache.made("logs", subject.key) / "requirements.log"
        with overlay(cache, subject.release, (below,), layer) as root:
            (root / "build").mkdir(exist_ok=True)
            shutil.copyfile(subject.archive, root / "build" / subject.archive.name)
            (root / "build/requires.py").write_text(_REQUIRES)
            (root / "build/pins").write_text("\n".join(subject.pins) + "\n")
            late = _requirements(root, subject, 3, log)
        state.write_text(str(late))
    return (layer, below), int(state.read_text())


def _requirements(root: Path, subject: Subject, late: int, log: Path) -> int:
    """Do the last `late` of the three steps; return how many could not be done."""
    unpack = _UNPACK.replace("ARCHIVE", f"'{subject.archive.name}'")
    read = f"{unpack}\npython /build/requires.py "
    steps = (
        (f"{read} static\n{_INSTALL.replace('LIST', 'static')}", True),
        (f"{read} dynamic", False),
        (_INSTALL.replace("LIST", "dynamic"), True),
    )
    for done, (script, network) in enumerate(steps[3 - late :]):
        if not run(root, script, log, network=network):
            return late - done
    return 0


def _build_in(root: Path, subject: Subject, packages: frozenset[str], late: int, log: Path) -> Trial:
    if packages:
        options = "-y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io"
        if not run(root, f"apt-get install {options} {' '.join(sorted(packages))}", log, network=True):
            return Trial(stage="packages", log=str(log))
    if late and _requirements(root, subject, late, log):
        return Trial(stage="requirements", log=str(log))
    unpack = _UNPACK.replace("ARCHIVE", f"'{subject.archive.name}'")
    if not run(root, f"{unpack}\nset +e\n{_BUILD}", log, network=False):
        return Trial(stage="build", log=str(log))
    wall, user, system = (float(word) for word in (root / "build/time").read_text().split())
    facts = read_wheel(next((root / "build/wheel").glob("*.whl")))
    return Trial(
        stage="done",
        log=str(log),
        cpu_seconds=round(user + system, 1),
        wall_seconds=round(wall, 1),
        facts=facts,
        run=_run_packages(root, facts, log),
    )


def _run_packages(root: Path, facts: WheelFacts, log: Path) -> tuple[str, ...]:
    """Return the packages of the libraries that are needed, but for those that every Python has."""
    always = {"libc6", "libgcc-s1", "libstdc++6"}
    found = owners(root, facts.needed, log) if facts.needed else {}
    named = {package or f"?{soname}" for soname, package in found.items()}
    return tuple(sorted(name for name in named - always if not name.startswith("libpython3")))
