"""Debian roots, overlays on them, and commands run inside. Needs root, mmdebstrap, unshare and overlayfs."""

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOOLCHAIN = ("build-essential", "pkg-config", "python3-dev", "python3-venv")
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_PIP_OPTIONS = ("index-url", "extra-index-url", "proxy", "trusted-host")
_PIP_CACHES = ("http", "http-v2")
"""Where pip keeps what it downloaded, old and new. What it built lies elsewhere and is kept by no root: a wheel
built with a library at hand would hide that the library is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The folder that keeps roots, downloads, logs and finished trials between runs."""

    folder: Path

    def root(self, release: str) -> Path:
        """Return the root of a Debian release with the toolchain alone, made by mmdebstrap where it is not there."""
        root = self.folder / release
        if not root.exists():
            making = self.folder / f"{release}.making"
            shutil.rmtree(making, ignore_errors=True)
            include = ",".join((*TOOLCHAIN, "ca-certificates"))
            options = ["--quiet", "--variant=apt", f"--include={include}", "--skip=cleanup/apt"]
            subprocess.run(["mmdebstrap", *options, release, str(making)], check=True)
            making.rename(root)
        return root

    def made(self, *parts: str) -> Path:
        """Return a folder of the cache, made where it is not there."""
        folder = self.folder.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@functools.cache
def host_environment() -> dict[str, str]:
    """Return the variables that let pip inside reach what the host's pip reaches."""
    wanted = {"PIP_CERT": str(_CA_BUNDLE), "SSL_CERT_FILE": str(_CA_BUNDLE)}
    for option in _PIP_OPTIONS:
        asked = subprocess.run(["pip", "config", "get", f"global.{option}"], capture_output=True, text=True)
        usable = [word for word in asked.stdout.split() if not word.startswith("file:")]
        if asked.returncode == 0 and usable:
            wanted[f"PIP_{option.upper().replace('-', '_')}"] = " ".join(usable)
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return wanted | proxies


def _copy_settings(root: Path) -> None:
    """Copy in what the network needs: names, certificates, apt's proxy."""
    for source in (Path("/etc/resolv.conf"), _CA_BUNDLE):
        target = root / source.relative_to("/")
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in dump.splitlines() if "::proxy" in line.lower() or "::check-valid" in line.lower()]
    (root / "etc/apt/apt.conf.d/90host").write_text("\n".join(kept) + "\n")


@contextlib.contextmanager
def overlay(cache: Cache, release: str, layers: tuple[Path, ...], upper: Path) -> Iterator[Path]:
    """Mount `upper` over `layers` (topmost first) over the release's root; unmount whatever happens."""
    work, root = cache.made("mount", "work"), cache.made("mount", "root")
    upper.mkdir(parents=True, exist_ok=True)
    lower = ":".join(str(layer) for layer in (*layers, cache.root(release)))
    mounts = [["-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(root)]]
    mounts.append(["--bind", str(cache.made("apt", release)), str(root / "var/cache/apt/archives")])
    for name in _PIP_CACHES:
        mounts.append(["--bind", str(cache.made("pip", name)), str(root / "root/.cache/pip" / name)])
    mounted: list[str] = []
    try:
        for mount in mounts:
            Path(mount[-1]).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", *mount], check=True)
            mounted.append(mount[-1])
        (root / "dev/shm").mkdir(exist_ok=True)
        cache.made("apt", release, "partial")
        _copy_settings(root)
        yield root
    finally:
        for target in reversed(mounted):
            subprocess.run(["umount", target], check=True)
        shutil.rmtree(work, ignore_errors=True)


def run(root: Path, script: str, log: Path, *, network: bool, limit: int = 1800) -> bool:
    """Run a bash script inside, appending what it says to `log`; say whether it succeeded within `limit` seconds.

    The script's processes have a namespace of their own and die with it. Without `network` not even a name resolves.
    """
    variables = {
        "PATH": "/opt/build/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **host_environment(),
    }
    command = ["nice", "unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={root}/proc"]
    command += [*([] if network else ["--net"]), "chroot", str(root), "env", "-i"]
    command += [*(f"{name}={value}" for name, value in variables.items()), "bash", "-c", script]
    with log.open("ab") as sink:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, timeout=limit)
        except subprocess.TimeoutExpired:
            sink.write(f"\nstopped after {limit} seconds\n".encode())
            return False
    return done.returncode == 0


def owners(root: Path, sonames: set[str], log: Path) -> dict[str, str]:
    """Return the Debian package that owns each shared library, or "" where none does."""
    script = """
    for name in NAMES; do
      path=$(ldconfig -p | awk -v name="$name" '$1 == name {print $NF; exit}')
      real=$(readlink -f "$path")
      package=""
      for try in ${path:+"$path" "/usr$path" "$real" "${real#/usr}"} "*/$name"; do
        [ -z "$package" ] || break
        package=$(dpkg-query -S "$try" 2>/dev/null | grep -v '^diversion' | head -1 | sed 's|[:,].*||')
      done
      echo "$name $package"
    done >/build/owners
    """
    run(root, script.replace("NAMES", " ".join(sorted(sonames))), log, network=False)
    lines = (line.partition(" ") for line in (root / "build/owners").read_text().splitlines())
    return {name: package for name, _, package in lines}
