"""Bytecode by other interpreters: the bytes of `compileall`, whatever is compiled beside a module."""

import marshal
import os
import random
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from wheelbase.errors import WheelbaseError
from wheelbase.wheels import compiling
from wheelbase.wheels.compiling import Interpreter, InterpreterCompiler, find_interpreter, without_bytecode

Sources = list[tuple[str, bytes]]


def running() -> Interpreter:
    found = find_interpreter((sys.version_info[0], sys.version_info[1]))
    assert found
    return found


def standard_library(names: str) -> Sources:
    folder = Path(sysconfig.get_path("stdlib"))
    return [(f"/opt/venv/{name}.py", (folder / f"{name}.py").read_bytes()) for name in names.split()]


def test_the_bytes_are_those_of_compileall(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    sources: Sources = []
    for path, source in standard_library("argparse ast difflib dis enum fractions inspect"):
        file = tmp_path / "package" / Path(path).name
        file.write_bytes(source)
        sources.append((f"/opt/venv/package/{file.name}", source))
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*command, "-s", tmp_path, "-p", "/opt/venv", tmp_path], check=True)
    cached = sorted((tmp_path / "package" / "__pycache__").iterdir())
    assert InterpreterCompiler(running()).compile(sources) == [file.read_bytes() for file in cached]


@pytest.mark.parametrize("minor", range(8, 16))
def test_the_bytes_do_not_depend_on_the_neighbours(minor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    python = find_interpreter((3, minor))
    if python is None:
        pytest.skip(f"needs a Python 3.{minor}")
    compiler = InterpreterCompiler(python)
    sources = standard_library("abc bisect copy fnmatch glob heapq queue shlex")
    # Before Python 3.11, marshal writes the last name of the second in one of two ways: the first one imports a module
    # that has it.
    sources += [("/a.py", b"# coding: cp1252\nx = 1\n"), ("/b.py", b"import a.decoding_table as c\n")]
    sources += [("/star.py", b"from x import *\n"), ("/char.py", b"y = '*' + ';'\n")]
    first = compiler.compile(sources)
    shuffled = random.Random(minor).sample(range(len(sources)), len(sources))
    monkeypatch.setattr(compiling, "_CHUNK", 30_000)
    second = compiler.compile([sources[place] for place in shuffled])
    assert [first[place] for place in shuffled] == second
    assert [compiler.compile([source])[0] for source in sources[-4:]] == first[-4:]


def test_a_file_is_loaded_without_a_look_at_its_source(tmp_path: Path) -> None:
    (compiled,) = InterpreterCompiler(running()).compile([("/opt/venv/näme.py", b"answer = 42\n")])
    assert compiled
    (tmp_path / "module.pyc").write_bytes(compiled)
    shown = subprocess.run(
        [sys.executable, "-c", "import module; print(module.answer, ascii(module.__loader__.get_code('module')))"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.startswith("42 <code object <module>")
    assert int.from_bytes(compiled[4:8], "little") == 1  # a hash, not checked (PEP 552)
    assert marshal.loads(compiled[16:]).co_filename == "/opt/venv/näme.py"


REFUSED = {
    "Python 2": b"print 'x'\n",
    "a template": b"{{ name }} = {% if x %}\n",
    "NUL bytes": b"x = 1\0\n",
    "not UTF-8": b"x = '\xff'\n",
    "an unknown codec": b"# coding: no-such\nx = 1\n",
    "a codec of bytes": b"# coding: hex\nx = 1\n",
    "too deep": b"x = " + b"-" * 100_000 + b"1\n",
    "too long a sum": b"x = " + b"1 + " * 400_000 + b"1\n",
}


@pytest.mark.parametrize("minor", [8, sys.version_info[1]])
def test_what_does_not_compile_has_no_file_and_takes_no_other_along(minor: int) -> None:
    python = find_interpreter((3, minor))
    if python is None:
        pytest.skip(f"needs a Python 3.{minor}, whose compiler long sums crash")
    sources = [source for bad in REFUSED.values() for source in (("/bad.py", bad), ("/good.py", b"x = 1\n"))]
    found = InterpreterCompiler(python).compile(sources)
    names = [name for name in REFUSED for _ in range(2)]
    made = {name for name, one, place in zip(names, found, range(len(found)), strict=True) if one and not place % 2}
    assert made == set()
    assert all(found[1::2])
    assert InterpreterCompiler(python).compile([]) == []


def test_warnings_are_nobodys(capfd: pytest.CaptureFixture[str]) -> None:
    assert all(InterpreterCompiler(running()).compile([("/x.py", b"x = '\\d' is 1\n")]))
    assert capfd.readouterr() == ("", "")


def fake(tmp_path: Path, text: str) -> Interpreter:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nfor last; do :; done\n{text}\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return replace(running(), path=script)


def test_a_crash_costs_the_file_that_crashed_alone(tmp_path: Path) -> None:
    crashes = fake(tmp_path, 'echo x >> "$0.runs"; [ "$last" = fork ] || kill -SEGV $$')
    assert all(InterpreterCompiler(crashes).compile([("/a.py", b""), ("/b.py", b"x = 1")]))
    assert Path(f"{crashes.path}.runs").read_text() == "x\nx\n"


def test_a_process_waits_for_more_and_is_done_without_where_it_is_gone(tmp_path: Path) -> None:
    kept = fake(tmp_path, 'echo x >> "$0.runs"')
    for source in (b"x = 1", b"y = 2", b"not Python"):
        assert InterpreterCompiler(kept).compile([("/a.py", source)]) == InterpreterCompiler(running()).compile(
            [("/a.py", source)]
        )
    assert Path(f"{kept.path}.runs").read_text() == "x\n"
    (waiting,) = compiling._WAITING[kept]
    waiting.kill()
    waiting.wait()
    assert all(InterpreterCompiler(kept).compile([("/a.py", b"x = 1")]))
    assert Path(f"{kept.path}.runs").read_text() == "x\nx\n"
    assert compiling._WAITING[kept] == []


def test_what_the_user_ends_is_not_started_again(tmp_path: Path) -> None:
    # Where the tests run in the background the signal is ignored, and a shell cannot undo that.
    end = "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGINT)"
    ended = fake(tmp_path, f'echo x >> "$0.runs"; exec {sys.executable} -c "{end}"')
    with pytest.raises(WheelbaseError, match="failed at compiling modules"):
        InterpreterCompiler(ended).compile([("/a.py", b"")])
    assert Path(f"{ended.path}.runs").read_text() == "x\n"


@pytest.mark.parametrize("text", ["echo no memory >&2; exit 1", "exit 0", "printf xxxxxxxx; exit 0", "kill -KILL $$"])
def test_a_broken_interpreter_is_an_error_not_an_image_without_bytecode(tmp_path: Path, text: str) -> None:
    with pytest.raises(WheelbaseError, match="failed at compiling modules") as caught:
        InterpreterCompiler(fake(tmp_path, text)).compile([("/a.py", b"")])
    assert "--no-bytecode" in str(caught.value.hint)


def test_an_interpreter_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WheelbaseError, match="failed at compiling modules"):
        InterpreterCompiler(replace(running(), path=tmp_path / "gone")).compile([("/a.py", b"")])


def test_the_variables_of_the_user_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    source = [("/a.py", b"def f():\n    'text'\n    assert x in {'a', 'b', 1, 2.0}\n")]
    before = InterpreterCompiler(running()).compile(source)
    for name, value in {"OPTIMIZE": "2", "HASHSEED": "5", "NODEBUGRANGES": "1", "WARNINGS": "error"}.items():
        monkeypatch.setenv(f"PYTHON{name}", value)
    assert InterpreterCompiler(running()).compile(source) == before


def test_the_key_names_what_makes_the_bytes() -> None:
    python = Interpreter(
        path=Path("/x"), implementation="cpython", version=(3, 13, 2), free_threaded=False, magic="f30d0d0a"
    )
    assert InterpreterCompiler(python).key == "cpython-3.13.2-f30d0d0a"
    assert InterpreterCompiler(replace(python, free_threaded=True)).key == "cpython-3.13.2t-f30d0d0a"


def test_the_running_interpreter_is_found_first() -> None:
    assert running().path == Path(sys.executable)
    assert running().version == sys.version_info[:3]


@pytest.fixture
def no_other(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the running Python alone; a folder that is its PATH."""
    folder = nobody / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def answer(folder: Path, name: str, said: str) -> Path:
    script = folder / name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f"#!/bin/sh\necho x >> '{folder}/asked'\nprintf '%s\\n' {said}\n")
    script.chmod(0o755)
    return script


def test_an_interpreter_is_asked_what_it_is_and_once(no_other: Path) -> None:
    script = no_other / "python3.99"
    answer(no_other, "python3.99", f"'{script}' cpython 3 99 1 final False aabb0d0a")
    found = find_interpreter((3, 99))
    assert found
    assert (found.path, found.version, found.magic) == (script, (3, 99, 1), "aabb0d0a")
    assert find_interpreter((3, 99)) == found
    assert (no_other / "asked").read_text() == "x\n"
    assert find_interpreter((3, 99), free_threaded=True) is None
    os.utime(script, (1, 1))
    assert find_interpreter((3, 99)) == found
    assert (no_other / "asked").read_text() == "x\nx\n"


@pytest.mark.parametrize(
    "said",
    [
        "'{}' cpython 3 98 1 final False aabb0d0a",
        "'{}' pypy 3 99 1 final False aabb0d0a",
        "'{}' cpython 3 99 0 candidate False aabb0d0a",
        "'{}' cpython 3 99 1 final True aabb0d0a",
        "nonsense",
        "; exit 1",
    ],
)
def test_another_python_than_its_name_says_is_none(no_other: Path, said: str) -> None:
    answer(no_other, "python3.99", said.format(no_other / "python3.99"))
    assert find_interpreter((3, 99)) is None


def test_pythons_of_pyenv_are_found(no_other: Path) -> None:
    name = "versions/3.99.0/bin/python3.99"
    root = no_other.parent / ".pyenv"
    answer(root, name, f"'{root / name}' cpython 3 99 0 final False aabb0d0a")
    found = find_interpreter((3, 99))
    assert found
    assert found.path == root / name


def test_what_is_missing_is_said_with_what_it_costs() -> None:
    assert without_bytecode((3, 14)) == (
        "No Python 3.14 is on this machine, so the image has no bytecode: each start of a container compiles what it "
        "imports, which takes two to four times as long. `uv python install 3.14` puts one here."
    )
    assert "PyPy 3.11" in without_bytecode((3, 11), implementation="pypy")
    assert "uv python install 3.13t" in without_bytecode((3, 13), free_threaded=True)
