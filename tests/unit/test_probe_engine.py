"""An image's programs do nothing to the machine: neither while it is unpacked nor while they run."""

from __future__ import annotations

import io
import stat
import tarfile
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
