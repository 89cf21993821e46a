"""An image's programs do nothing to the machine: neither while it is unpacked nor while they run."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.oci.small_images import CHAR, HARDLINK, SYMLINK, MemorySource, What, image_of

from wheelbase.engines import bubblewrap, choose
from wheelbase.engines.bubblewrap import Bubblewrap
from wheelbase.engines.errors import EngineError
from wheelbase.engines.unpack import unpack
from wheelbase.engines.values import Limits
from wheelbase.oci.image import read_image
from wheelbase.probes.run import identify, run_probes
from wheelbase.probes.table import known_hazards

WORKS = pytest.mark.skipif(bubblewrap.lacks() is not None, reason=f"needs bubblewrap: {bubblewrap.lacks()}")
LIMITS = Limits(seconds=2, memory=256 << 20, processes=16, output=10_000)


def unpacked(folder: Path, *layers: list[tuple[str, What]]) -> Path:
    root = folder / "root"
    root.mkdir()
    source = image_of(*layers)
    unpack(source, read_image(source), root)
    return root


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_layers_lie_over_one_another(tmp_path: Path) -> None:
    root = unpacked(
        tmp_path,
        [("a/one", b"1"), ("a/two", b"2"), ("b/old", b"old"), ("lib", (SYMLINK, "a"))],
        [
            ("a/.wh.one", b""),
            ("b/.wh..wh..opq", b""),
            ("b/new", b"new"),
            ("lib/three", b"3"),
            ("two", (HARDLINK, "a/two")),
        ],
    )
    assert names(root / "a") == ["three", "two"]
    assert names(root / "b") == ["new"]
    assert (root / "a/three").read_bytes() == b"3"
    assert (root / "two").read_bytes() == b"2"


def test_nothing_leaves_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    up = "../" * 20
    root = unpacked(
        tmp_path,
        [
            ("out", (SYMLINK, str(outside))),
            ("file", (SYMLINK, str(outside / "file"))),
            ("etc", (SYMLINK, str(outside))),
            (f"{up}{outside}/climbed", b"x"),
            ("hard", (HARDLINK, f"{up}{outside}/file")),
            ("dev/null", (CHAR, "")),
        ],
        [("out/written", b"x"), ("file", b"x"), ("etc/passwd", b"x"), ("proc", (SYMLINK, str(outside)))],
    )
    assert names(outside) == ["file"]
    assert (outside / "file").read_text() == "mine"
    assert not (root / "hard").exists()
    assert names(root / "dev") == []
    assert (root / "proc").is_dir() and not (root / "proc").is_symlink()


def test_no_program_gets_the_rights_of_its_owner(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("bin/su")
        member.mode = 0o6777
        archive.addfile(member)
    source = MemorySource()
    source.add_image([buffer.getvalue()])
    image = read_image(source)
    (tmp_path / "root").mkdir()
    unpack(source, image, tmp_path / "root")
    assert stat.S_IMODE((tmp_path / "root/bin/su").stat().st_mode) == 0o755


def test_a_sparse_file_is_a_hole_of_its_size(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("log/lastlog")
        # As GNU tar writes a file that is one hole: the map before the data says that there are none.
        content = b"1\n300000\n0\n".ljust(512, b"\0")
        member.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "log/lastlog",
            "GNU.sparse.realsize": "300000",
        }
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
        other = tarfile.TarInfo("log/other")
        other.size = 3
        archive.addfile(other, io.BytesIO(b"abc"))
    source = MemorySource()
    source.add_image([buffer.getvalue()])
    (tmp_path / "root").mkdir()
    unpack(source, read_image(source), tmp_path / "root")
    assert (tmp_path / "root/log/lastlog").stat().st_size == 300_000
    assert (tmp_path / "root/log/other").read_bytes() == b"abc"


def test_a_file_system_that_cannot_hold_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be unpacked"):
        unpacked(tmp_path, [("x" * 300, b"")])


def machine() -> Bubblewrap:
    """Return a sandbox whose files are those of this machine, for want of an image with a shell in it."""
    return Bubblewrap(root=Path("/"), env_vars=("NAME=value",))


@WORKS
def test_a_program_runs() -> None:
    ran = machine().run(["sh", "-c", "echo $NAME $0; echo problem >&2; exit 3", "zero"], LIMITS)
    assert (ran.end, ran.status, ran.stdout, ran.stderr) == ("exited", 3, b"value zero\n", b"problem\n")


@WORKS
def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(EngineError, match="no-such-program"):
        machine().run(["no-such-program"], LIMITS)


@WORKS
def test_a_crash_is_a_result() -> None:
    ran = machine().run(["sh", "-c", "kill -SEGV $$"], LIMITS)
    assert (ran.end, ran.status) == ("killed", 11)


@WORKS
@pytest.mark.parametrize("command", ["sleep 60", "exec >&- 2>&-; sleep 60", "sleep 60 & sleep 60 & exit"])
def test_what_hangs_is_ended(command: str) -> None:
    start = time.monotonic()
    ran = machine().run(["sh", "-c", command], Limits(seconds=0.5))
    assert time.monotonic() - start < 10
    # A sandbox ends with its first program, and all others with it.
    assert ran.end == ("exited" if command.endswith("exit") else "too slow")


@WORKS
def test_a_fork_bomb_spoils_only_itself() -> None:
    ran = machine().run(["sh", "-c", "b() { b | b & }; b; while :; do b; done"], Limits(seconds=1, processes=16))
    assert b"fork" in ran.stderr
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"b() { b | b & }" in read(path)]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@WORKS
def test_memory_and_files_have_limits() -> None:
    ran = machine().run(["sh", "-c", "ulimit -v; ulimit -c; head -c 100M /dev/zero >/tmp/x; ls -s /tmp/x"], LIMITS)
    memory, core = ran.stdout.split()[:2]
    assert (int(memory), int(core)) == (256 << 10, 0)
    assert b"File" in ran.stderr or b"space" in ran.stderr


@WORKS
def test_output_has_a_limit() -> None:
    ran = machine().run(["sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"], LIMITS)
    assert ran.end == "too much output"
    assert len(ran.stdout) <= LIMITS.output


@WORKS
def test_a_program_sees_no_network_and_changes_no_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    commands = f"cat /proc/net/dev | grep -c :; touch {Path.cwd()}/x && echo changed; ls {tmp_path} && echo seen; id -u"
    ran = machine().run(["sh", "-c", commands], LIMITS)
    assert ran.stdout.split() == [b"1", b"0"]


@WORKS
def test_a_resolver_can_be_set_up_where_it_harms_nobody() -> None:
    before = Path("/etc/resolv.conf").read_bytes()
    ran = machine().run(["sh", "-c", "echo nameserver 127.0.0.9 >/etc/resolv.conf && cat /etc/resolv.conf"], LIMITS)
    assert ran.stdout == b"nameserver 127.0.0.9\n"
    assert Path("/etc/resolv.conf").read_bytes() == before


def test_it_is_said_what_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError) as caught:
        choose.choose_engine(None)
    assert "there is no bwrap; there is no docker; there is no podman" in str(caught.value)
    assert caught.value.hint and "bubblewrap" in caught.value.hint


def test_an_engine_is_asked_for_what_it_can_name() -> None:
    @contextmanager
    def opens() -> Iterator[MemorySource]:
        raise AssertionError
        yield

    with choose.opened("docker", "docker-daemon:app:1", None, opens) as container:
        assert container.engine == "docker"
    with (
        pytest.raises(EngineError, match="docker does not run oci:here"),
        choose.opened("docker", "oci:here", None, opens),
    ):
        pass


@contextmanager
def sandboxed(script: str) -> Iterator[Bubblewrap]:
    """Make a root whose python3 is a script, and all else is this machine's; nobody can read pytest's own folders."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)
        _furnish(Path(scratch) / "root", script)
        yield Bubblewrap(root=Path(scratch) / "root")


def _furnish(root: Path, script: str) -> None:
    (root / "usr/bin").mkdir(parents=True)
    for name in ("sh", "sleep", "head", "true"):
        shutil.copy(Path(f"/bin/{name}").resolve(), root / "usr/bin" / name)
    (root / "usr/bin/python3").write_text(script)
    (root / "usr/bin/python3").chmod(0o755)
    (root / "bin").symlink_to("usr/bin")
    for line in subprocess.run(["ldd", "/bin/sh", "/bin/head"], capture_output=True, text=True).stdout.splitlines():
        for word in line.split():
            if word.startswith("/") and not word.endswith(":"):
                place = root / word.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, place)
    for name in ("dev", "proc", "tmp", "etc"):
        (root / name).mkdir()
    (root / "etc/resolv.conf").touch()


@WORKS
def test_a_python_that_is_a_shell_script_is_none() -> None:
    with sandboxed("#!/bin/sh\necho I am a python, really\n") as container:
        with pytest.raises(EngineError, match="does not answer as Python does"):
            identify(container, "python3")
        (result,) = run_probes(container, "python3", [known_hazards()["strftime"]], LIMITS)
    assert (result.verdict, result.evidence) == ("unknown", "the probe did not answer: it ended with 0")


@WORKS
@pytest.mark.parametrize(
    ("script", "evidence"),
    [
        ("sleep 60", "it did not end in time"),
        ("while :; do echo '{}'; done", "it wrote without end"),
        ("kill -SEGV $$", "signal 11 ended it"),
        # One process begins it: a shell that begins both sides of a pipe ends where there is no room for the second.
        ("exec 2>&-; b() { b | b & }; (b) & exec sleep 60", "it did not end in time"),
        ("x=x; while :; do x=$x$x; done", "the probe did not answer"),
        ("head -c 3000 /dev/urandom", "it ended with 0"),
        ("echo evil >/usr/bin/python3; exit 7", "it ended with 7"),
    ],
)
def test_a_probe_that_misbehaves_spoils_only_itself(script: str, evidence: str) -> None:
    with sandboxed(f"#!/bin/sh\n{script}\n") as container:
        text = (container.root / "usr/bin/python3").read_text()
        (result,) = run_probes(container, "python3", [known_hazards()["strftime"]], LIMITS)
        assert (container.root / "usr/bin/python3").read_text() == text
        assert container.run(["true"], LIMITS).status == 0  # the next one runs
    assert result.verdict == "unknown"
    assert evidence in result.evidence
