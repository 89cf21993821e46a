"""A sample of a project that was never measured, and samples that nothing can be learnt from."""

import io
import marshal
import random
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version
from tests.fake_index import Answer, FakeIndex, zipped

from wheelbase.index.client import Client
from wheelbase.index.simple import Candidate
from wheelbase.index.values import IndexSettings
from wheelbase.wheels import bytecode
from wheelbase.wheels.contents import read_listing
from wheelbase.wheels.style import read_style

pytestmark = pytest.mark.usefixtures("nobody")
CHOICE = random.Random(7)


def module(comments: bool) -> str:
    """Source that is nearly all code, or nearly all comments, which leave no bytecode."""
    words = [f"name{CHOICE.randrange(10**6)}" for _ in range(400)]
    if comments:
        return "".join(f"# {' '.join(CHOICE.choices(words, k=12))}\n" for _ in range(120)) + "x = 1\n"
    return "".join(
        f"def {a}({b}):\n    return {b}.{c}({a}) + {CHOICE.random()}\n"
        for a, b, c in zip(words, words[1:], words[2:], strict=False)
    )


def styles(fake_index: FakeIndex, contents: dict[str, str | bytes], *, ranges: bool = True) -> dict[str, float]:
    body = zipped(contents)
    path = f"/{len(fake_index.routes)}.whl"
    fake_index.route(path, Answer(body=body, ranges=ranges))
    client = Client(IndexSettings(source="test", index_url=None))
    wheel = Candidate(
        filename="never_seen-1.0-py3-none-any.whl",
        url=fake_index.url + path,
        version=Version("1.0"),
        kind="wheel",
        size=len(body),
    )
    listing = read_listing(client, wheel)
    found = dict(read_style(client, wheel, listing))
    assert len(fake_index.seen) <= 2
    return found


@pytest.mark.parametrize("comments", [False, True])
def test_a_sample_corrects_the_estimate(fake_index: FakeIndex, comments: bool) -> None:
    contents = {f"never_seen/m{number:03}.py": module(comments) for number in range(60)}
    found = styles(fake_index, {**contents})
    with zipfile.ZipFile(io.BytesIO(zipped({**contents}))) as archive:
        files = [(entry.filename, entry.file_size, entry.compress_size) for entry in archive.infolist()]
    real = sum(len(marshal.dumps(compile(text, "", "exec"))) for text in contents.values())
    said = sum(bytecode.code_bytes(*file, sys.version_info[:2]) for file in files)
    assert found == {"never_seen": pytest.approx(max(0.2, real / said), rel=0.05)}


def test_what_was_measured_or_is_small_is_not_asked(fake_index: FakeIndex) -> None:
    assert styles(fake_index, {f"pandas/m{number}.py": module(False) for number in range(60)}) == {}
    assert len(fake_index.seen) == 1
    fake_index.seen.clear()
    assert styles(fake_index, {"never_seen/__init__.py": module(False)}) == {}
    assert len(fake_index.seen) == 1


def test_a_server_without_ranges_gives_no_sample(fake_index: FakeIndex) -> None:
    assert styles(fake_index, {f"never_seen/m{number}.py": module(False) for number in range(60)}, ranges=False) == {}


def test_what_does_not_compile_counts_for_nothing(fake_index: FakeIndex) -> None:
    broken: dict[str, str | bytes] = {f"never_seen/m{number}.py": "def (" * 2000 for number in range(40)}
    assert styles(fake_index, broken) == {}


def test_a_compiler_that_dies_counts_for_nothing(fake_index: FakeIndex) -> None:
    deep: dict[str, str | bytes] = {
        f"never_seen/m{number}.py": "-" * 90_000 + "1" + " " * number for number in range(4)
    }
    assert styles(fake_index, deep) in ({}, {"never_seen": pytest.approx(1, abs=5)})


def test_a_sample_is_kept(fake_index: FakeIndex, nobody: Path) -> None:
    contents: dict[str, str | bytes] = {f"never_seen/m{number:03}.py": module(False) for number in range(60)}
    first = styles(fake_index, contents)
    fake_index.seen.clear()
    fake_index.routes.clear()
    assert styles(fake_index, contents) == first
    assert fake_index.seen == []
