"""The build time model adds its terms up."""

from dataclasses import replace

from wheelbase.buildtime import Work, build_seconds
from wheelbase.report.units import duration, few, megabytes, names

NOTHING = Work(
    packages=0, download_bytes=0, files=0, file_bytes=0, source_bytes=0, bytecode_bytes=0, package_manager=None
)


def test_download_goes_with_the_bandwidth() -> None:
    work = replace(NOTHING, download_bytes=125_000_000)
    slow, fast = build_seconds(work, megabits=100), build_seconds(work, megabits=1000)
    assert slow.low - fast.low == 9.0


def test_every_term_adds() -> None:
    base = build_seconds(NOTHING, megabits=100)
    assert 0 < base.low < base.high
    works = (
        replace(NOTHING, packages=100),
        replace(NOTHING, files=10_000),
        replace(NOTHING, file_bytes=100_000_000),
        replace(NOTHING, source_bytes=100_000_000),
        replace(NOTHING, bytecode_bytes=100_000_000),
        replace(NOTHING, stdlib_bytecode=False),
        replace(NOTHING, musl=True),
    )
    for work in works:
        more = build_seconds(work, megabits=100)
        assert more.low > base.low and more.high > base.high, work
    for manager in ("apt", "apk", "dnf", "microdnf", "yum"):
        assert build_seconds(replace(NOTHING, package_manager=manager), megabits=100).low > base.low
    assert build_seconds(replace(NOTHING, compile_seconds=(10, 100)), megabits=100).high == base.high + 100


def test_units() -> None:
    assert megabytes(None) == "?"
    assert megabytes(13_149_000) == "13"
    assert megabytes(5_936_163) == "5.9"
    assert megabytes(60_651_520, about=True) == "~61"
    assert duration(None) == "?"
    assert duration(build_seconds(NOTHING, megabits=100)) == "1-2 s"
    assert names(["a"]) == "a"
    assert names(["a", "b", "c"]) == "a, b and c"
    assert few([str(n) for n in range(20)])[-1] == "12 more"
