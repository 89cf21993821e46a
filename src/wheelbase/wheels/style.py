"""How densely a project that was never measured writes its code, from a sample of its modules. Talks to the network.

What a module's bytecode weighs depends most on its project's style, which no central directory tells. Where that took
one request, a second one fetches some of its modules; they are compiled, which runs none of their code, in a process of
its own, and weighed against what the model says of them. What is found is kept for ever under the wheel's hash.
"""

import marshal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client
from wheelbase.index.simple import Candidate
from wheelbase.wheels import bytecode
from wheelbase.wheels.contents import Files, Listing, tail_bytes

# A project with less source than this changes the size of no image worth mentioning.
_WORTH_ASKING = 200_000
_SAMPLE = 320 * 1024
_LARGEST_MODULE = 2_000_000
_MOST_SOURCE = 2_000_000
# The share of the source from which on one module is what counts: tables of data, mostly.
_DOMINANT = 0.4
_MAGIC = b"PK\x03\x04"
_DIRECTORY_ENTRY = 56  # fixed part and the usual extra fields
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_MEASURE = """
import marshal, resource, sys, warnings
warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for source in marshal.loads(sys.stdin.buffer.read()):
    try:
        print(len(marshal.dumps(compile(source, "", "exec", dont_inherit=True))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        print(-1)
"""


def read_style(client: Client, wheel: Candidate, listing: Listing) -> Mapping[str, float]:
    """Return, for each unmeasured project in a wheel that is worth asking, its code's weight over the model's."""
    python = sys.version_info[:2]
    unmeasured = {key for key, size in bytecode.unmeasured(listing.files, python).items() if size >= _WORTH_ASKING}
    # At most two requests are made for a wheel: of one with a large directory no sample is taken.
    directory = sum(_DIRECTORY_ENTRY + len(path) for path, _, _ in listing.files)
    if not unmeasured or directory > tail_bytes(wheel) or wheel.url.startswith("file:"):
        return {}
    store, key = Cache("style-2"), f"{wheel.sha256 or wheel.url} {python}"
    if kept := store.get(key):
        return msgspec.json.decode(kept, type=dict[str, float])
    styles = _weigh(dict(_sample(client, wheel, listing)), listing, python)
    styles = {key: style for key, style in styles.items() if key in unmeasured}
    store.put(key, msgspec.json.encode(styles))
    return styles


def _sample(client: Client, wheel: Candidate, listing: Listing) -> Iterator[tuple[str, bytes]]:
    """Yield (path, source) of the modules that lie whole in one stretch of the wheel."""
    start = _stretch(listing.files)
    stretch = {"Range": f"bytes={start}-{start + _SAMPLE - 1}"}
    try:
        answer = client.get(wheel.url, stretch, limit=_SAMPLE, cut="start")
    except PackageIndexError:
        return
    if answer.status != 206:
        return
    sizes = {path: (size, deflated) for path, size, deflated in listing.files}
    data, place, total = answer.body, answer.body.find(_MAGIC), 0
    while 0 <= place <= len(data) - _LOCAL_HEADER.size and total < _MOST_SOURCE:
        _, _, _, method, *_, name_size, extra_size = _LOCAL_HEADER.unpack_from(data, place)
        begin = place + _LOCAL_HEADER.size + name_size + extra_size
        path = data[place + _LOCAL_HEADER.size :][:name_size].decode("utf-8", "replace")
        size, deflated = sizes.get(path, (0, 0))
        if path.endswith(".py") and 0 < size <= _LARGEST_MODULE:
            source = _inflated(data[begin : begin + deflated], method, size)
            if source is not None:
                total += size
                yield path, source
        place = data.find(_MAGIC, begin + deflated if deflated else place + 4)


def _stretch(files: Files) -> int:
    """Return where the sample is to start: at a module that is most of the source, else in the middle of the source."""
    source = [(path, size, deflated) for path, size, deflated in files if path.endswith(".py")]
    largest = max(source, key=lambda file: file[1])
    dominant = largest[1] >= _DOMINANT * sum(size for _, size, _ in source)
    half = sum(deflated for _, _, deflated in source) // 2
    offset = seen = 0
    for path, size, deflated in files:
        if dominant and (path, size, deflated) == largest:
            return max(0, offset - 1024)
        seen += deflated if path.endswith(".py") else 0
        if not dominant and seen >= half:
            return max(0, offset - _SAMPLE // 2)
        # The headers in the file may be longer than these by some extra fields, so this is never too late.
        offset += _LOCAL_HEADER.size + len(path) + deflated
    return 0


def _inflated(data: bytes, method: int, size: int) -> bytes | None:
    if method == 0:
        return data if len(data) == size else None
    try:
        source = zlib.decompressobj(-15).decompress(data, size + 1)
    except zlib.error:
        return None
    return source if len(source) == size else None


def _weigh(sample: Mapping[str, bytes], listing: Listing, python: tuple[int, int]) -> dict[str, float]:
    """Return, by project, the bytes of the sample's code over those that the model says."""
    paths = list(sample)
    try:
        result = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MEASURE],
            input=marshal.dumps([sample[path] for path in paths]),
            capture_output=True,
            timeout=30,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        return {}
    deflated = {path: small for path, _, small in listing.files}
    real: dict[str, float] = {}
    said: dict[str, float] = {}
    for path, weight in zip(paths, map(int, result.stdout.split()), strict=True):
        if weight < 0:
            continue
        key = PurePosixPath(bytecode.installed(path)).parts[0]
        real[key] = real.get(key, 0.0) + weight
        said[key] = said.get(key, 0.0) + bytecode.code_bytes(path, len(sample[path]), deflated[path], python)
    return {key: max(0.2, min(real[key] / said[key], 5.0)) for key in real if said[key]}
