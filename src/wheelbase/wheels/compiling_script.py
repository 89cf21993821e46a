"""Compiles sources in an interpreter that may be another than wheelbase's: the standard library of Python 3.8 alone.

Reads from its input, for each source, the lengths of path and source (two numbers of four bytes, big-endian) and the
two; writes for each one the length of its .pyc file and the file, or a length of -1 where the source does not compile.
Some sources come at a time, after the length of all that: no answer is written before all of them are read.

With the argument `fork` that length is left out, and each source is read and compiled in a fork of a process that does
nothing else: one that crashes the compiler has a length of -1 too, and the bytes do not depend on the sources before
it. They do before Python 3.11, where marshal looks at how often a name is referred to in the whole process.
"""

import importlib.util
import marshal
import os
import resource
import signal
import struct
import sys
import time

_LENGTHS = struct.Struct(">II")
_LENGTH = struct.Struct(">i")
_SIZE = struct.Struct(">I")
_NO_CODE = _LENGTH.pack(-1)
_UNCHECKED_HASH = b"\x01\x00\x00\x00"  # PEP 552
_CPU_SECONDS = 120
_MEMORY = 4 << 30
_AT_END = 3
# Signals that say nothing of the source: the user's, and those of a machine that ran out of memory.
_FROM_OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def read(size: int) -> bytes:
    """Read that many bytes of the input, fewer at its end."""
    parts = []
    while size and (part := os.read(0, min(size, 1 << 20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write(data: bytes) -> None:
    """Write all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


def compiled(path: bytes, source: bytes) -> bytes:
    """Return the answer for a source: the length of its .pyc file, and the file."""
    try:
        module = compile(source, path.decode("utf-8", "surrogateescape"), "exec", dont_inherit=True)
        code = marshal.dumps(module)  # of one with a name, as importlib does: marshal counts references
        header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    except Exception:  # SyntaxError, ValueError, RecursionError, MemoryError, and what a codec raises
        return _NO_CODE
    return _LENGTH.pack(len(header) + len(code)) + header + code


def compile_next() -> int:
    """Compile the next source of the input; return the exit code."""
    lengths = read(_LENGTHS.size)
    if not lengths:
        return _AT_END
    path_size, source_size = _LENGTHS.unpack(lengths)
    path = read(path_size)
    write(compiled(path, read(source_size)))
    return 0


def limit(kind: int, most: int) -> None:
    """Lower the soft limit of a resource to that, or to the hard one."""
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def compile_all() -> None:
    """Compile until the input ends, some sources at a time."""
    while size := read(_SIZE.size):
        limit(resource.RLIMIT_CPU, int(time.process_time()) + _CPU_SECONDS)
        sources, answers, place = read(*_SIZE.unpack(size)), [], 0
        while place < len(sources):
            path_size, source_size = _LENGTHS.unpack_from(sources, place)
            begin = place + _LENGTHS.size + path_size
            place = begin + source_size
            answers.append(compiled(sources[begin - path_size : begin], sources[begin:place]))
        write(b"".join(answers))


def fork_for_each() -> int:
    """Compile until the input ends; return the exit code."""
    while True:
        child = os.fork()
        if not child:
            limit(resource.RLIMIT_CPU, _CPU_SECONDS)  # its clock starts at 0
            os._exit(compile_next())
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) not in _FROM_OUTSIDE:
            write(_NO_CODE)
        elif status:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1


if __name__ == "__main__":
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, _MEMORY)
    if sys.argv[1:] == ["fork"]:
        sys.exit(0 if fork_for_each() == _AT_END else 1)
    compile_all()
    os._exit(0)  # what a process does at its end takes as long as a small module
