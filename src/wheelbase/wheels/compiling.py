"""Bytecode for the Python of an image, made by an interpreter of that version on this machine. Runs programs.

The .pyc files are those of `compileall --invalidation-mode unchecked-hash`: never compared with their sources, which
lie beside them in a layer that nobody changes. The bytes of one depend on its source, its path and the interpreter
alone. Compiling runs none of the code.
"""

import atexit
import io
import itertools
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Protocol

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import WheelbaseError
from wheelbase.uv import run_uv

# A process is given so much at a time: little enough to keep every core busy to the end.
_CHUNK = 200_000
_SECONDS = 1800.0
# From this version on, the bytes of a module do not depend on what the process compiled before.
_SAME_BYTES = (3, 11)
# The threads that wait for the processes: all compilers share them.
_PROCESSES = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="compile")
# What ends a process that is not to be started again.
_FROM_OUTSIDE = (-signal.SIGINT, -signal.SIGTERM)
_LENGTHS = struct.Struct(">II")
_LENGTH = struct.Struct(">i")
_SIZE = struct.Struct(">I")
_ASK = """
import sys
from importlib.util import MAGIC_NUMBER as magic
print(sys.executable, sys.implementation.name, *sys.version_info[:4], "t" in sys.abiflags, magic.hex(), sep="\\n")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python on this machine."""

    path: Path
    #: As in `sys.implementation.name`.
    implementation: str
    version: tuple[int, int, int]
    free_threaded: bool
    #: The first bytes of its .pyc files, in hexadecimal.
    magic: str


# Processes that have compiled something and wait for more, as starting one takes as long as compiling a large module.
_WAITING: dict[Interpreter, list[subprocess.Popen[bytes]]] = {}


class Compiler(Protocol):
    """What makes .pyc files of sources."""

    @property
    def key(self) -> str:
        """Another key where the bytes may differ."""

    def compile(self, sources: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """Return, for each path in the image and source, the .pyc file: None where the source does not compile."""


@dataclass(frozen=True, slots=True)
class InterpreterCompiler:
    """Compiles with an interpreter of this machine, in as many processes as it has cores; threads may share it."""

    interpreter: Interpreter

    @property
    def key(self) -> str:
        """Its implementation, version and kind, as in `cpython-3.13.0t-f30d0d0a`."""
        python = self.interpreter
        version = ".".join(map(str, python.version))
        return f"{python.implementation}-{version}{'t' if python.free_threaded else ''}-{python.magic}"

    def compile(self, sources: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """Return the .pyc files of the sources in their order: None where one does not compile."""
        running = [_PROCESSES.submit(_compile, self.interpreter, chunk) for chunk in _chunks(sources)]
        try:
            return [compiled for chunk in running for compiled in chunk.result()]
        finally:
            for chunk in running:
                chunk.cancel()


def _chunks(sources: Sequence[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, bytes]]]:
    start = size = 0
    for place, (_, source) in enumerate(sources, 1):
        size += len(source)
        if size >= _CHUNK or place == len(sources):
            yield sources[start:place]
            start, size = place, 0


@cache
def _script() -> str:
    script = Path(__file__).with_name("compiling_script.py").read_text(encoding="utf-8")
    return f"import sys; sys.path.remove('')\n{script}"  # modules come from the standard library alone


def _compile(interpreter: Interpreter, sources: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
    parts = []
    for path, source in sources:
        name = path.encode("utf-8", "surrogateescape")
        parts += [_LENGTHS.pack(len(name), len(source)), name, source]
    request = b"".join(parts)
    if interpreter.version >= _SAME_BYTES and (files := _by_one_that_waits(interpreter, request, len(sources))):
        return files
    # Before that version, and where a source crashes the compiler, each has a process of its own.
    try:
        return _answers(io.BytesIO(_run(interpreter, request)), len(sources))
    except subprocess.CalledProcessError as error:
        raise _failed(interpreter, error.stderr.decode(errors="replace").strip() or str(error)) from error
    except ValueError as error:
        raise _failed(interpreter, str(error)) from error


def _by_one_that_waits(interpreter: Interpreter, request: bytes, count: int) -> list[bytes | None] | None:
    """Have a process compile, and wait for more then; None where it ends early."""
    waiting = _WAITING.setdefault(interpreter, [])
    try:
        process = waiting.pop()
    except IndexError:
        process = _start(interpreter)
    assert process.stdin and process.stdout
    try:
        process.stdin.write(_SIZE.pack(len(request)) + request)
        process.stdin.flush()
        files = _answers(process.stdout, count)
    except (OSError, ValueError):
        process.kill()
        process.communicate()
        if process.returncode in _FROM_OUTSIDE:
            raise _failed(interpreter, "it was interrupted") from None
        return None
    waiting.append(process)
    return files


def _start(interpreter: Interpreter) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            _command(interpreter),
            env=_variables(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise _failed(interpreter, str(error)) from error


@atexit.register
def _end_those_that_wait() -> None:
    for process in itertools.chain(*_WAITING.values()):
        process.communicate()


def _run(interpreter: Interpreter, request: bytes) -> bytes:
    try:
        return subprocess.run(
            [*_command(interpreter), "fork"],
            input=request,
            env=_variables(),
            cwd="/",
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(interpreter, str(error)) from error


def _command(interpreter: Interpreter) -> list[str | Path]:
    return [interpreter.path, "-S", "-s", "-B", "-W", "ignore", "-c", _script()]


def _variables() -> dict[str, str]:
    # The variables of Python are left out but one, which gives sets their order and which -E and -I would hide.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return variables | {"PYTHONHASHSEED": "0"}


def _failed(interpreter: Interpreter, said: str) -> WheelbaseError:
    return WheelbaseError(
        f"{interpreter.path} failed at compiling modules: {said}",
        hint="try again, or leave bytecode out with --no-bytecode",
    )


def _answers(output: IO[bytes], count: int) -> list[bytes | None]:
    """Read the answers to so many sources. Raises ValueError where they are not whole."""
    return [_file(output) for _ in range(count)]


def _file(output: IO[bytes]) -> bytes | None:
    (size,) = _LENGTH.unpack(_whole(output, _LENGTH.size))
    return _whole(output, size) if size >= 0 else None


def _whole(output: IO[bytes], size: int) -> bytes:
    data = output.read(size)
    if len(data) != size:
        raise ValueError("its output ended early")
    return data


def find_interpreter(
    version: tuple[int, int], *, implementation: str = "cpython", free_threaded: bool = False
) -> Interpreter | None:
    """Return a released Python of that kind: the running one, one on the PATH, one that uv finds, or one of pyenv.

    Nothing is downloaded. None where there is none, and where processes cannot be forked (Windows).
    """
    if not hasattr(os, "fork"):
        return None
    for path in _candidates(version, implementation, free_threaded):
        found = _asked(path)
        if found and (found.implementation, found.version[:2], found.free_threaded) == (
            implementation,
            version,
            free_threaded,
        ):
            return found
    return None


def _candidates(version: tuple[int, int], implementation: str, free_threaded: bool) -> Iterator[Path]:
    yield Path(sys.executable)
    number = f"{version[0]}.{version[1]}{'t' if free_threaded else ''}"
    name = f"{'python' if implementation == 'cpython' else implementation}{number}"
    with suppress(RuntimeError, OSError):  # no home
        # Before the PATH, where pyenv's own scripts take long to say that another version is the chosen one.
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        yield from sorted(root.glob(f"versions/*/bin/{name}"), reverse=True)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and (found := shutil.which(name, path=folder)):
            yield Path(found)
    request = f"{implementation}@{number}"
    result = run_uv("python", "find", "--managed-python", "--no-project", request, directory=Path("/"))
    if not result.returncode and result.stdout.strip():
        yield Path(result.stdout.strip())


def _asked(path: Path) -> Interpreter | None:
    """Return what an interpreter says of itself; of a script that starts one, what that one says."""
    try:
        found = _answer(path)
        if found and found.path.resolve() != path.resolve():
            found = _answer(found.path)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return found


def _answer(path: Path) -> Interpreter | None:
    state = path.stat()
    store, key = Cache("interpreter-1"), f"{path} {path.resolve()} {state.st_mtime_ns} {state.st_size}"
    if kept := store.get(key):
        return msgspec.msgpack.decode(kept, type=Interpreter | None, dec_hook=lambda kind, value: kind(value))
    result = subprocess.run([path, "-I", "-S", "-c", _ASK], cwd="/", capture_output=True, timeout=30, check=True)
    executable, name, major, minor, micro, level, free_threaded, magic = os.fsdecode(result.stdout).splitlines()
    found = Interpreter(
        path=Path(executable),
        implementation=name,
        version=(int(major), int(minor), int(micro)),
        free_threaded=free_threaded == "True",
        magic=magic,
    )
    # The bytecode of one before its release may not be that of the release.
    answer = found if level == "final" else None
    store.put(key, msgspec.msgpack.encode(answer, enc_hook=str))
    return answer


def without_bytecode(version: tuple[int, int], *, implementation: str = "cpython", free_threaded: bool = False) -> str:
    """Say that no such Python is here, and what that costs."""
    name = {"cpython": "Python", "pypy": "PyPy"}.get(implementation, implementation)
    number = f"{version[0]}.{version[1]}{'t' if free_threaded else ''}"
    wanted = number if implementation == "cpython" else f"{implementation}{number}"
    return (
        f"No {name} {number} is on this machine, so the image has no bytecode: each start of a container compiles "
        "what it imports, which takes two to four times as long. "
        f"`uv python install {wanted}` puts one here."
    )
