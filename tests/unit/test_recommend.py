"""Which base is recommended, and why."""

from dataclasses import replace
from datetime import date
from typing import Literal

from wheelbase.bases.facts import BaseFacts
from wheelbase.recipes.recommend import recommend
from wheelbase.recipes.values import BaseCost, PickedFile, Verdict


def file(name: str, kind: Literal["wheel", "sdist"] = "wheel") -> PickedFile:
    return PickedFile(name=name, version="1", filename=f"{name}-1", kind=kind, bytes=1, installed_bytes=1, reason="")


def cost(
    base: str,
    image_bytes: int | None,
    *,
    libc: Literal["glibc", "musl"] = "glibc",
    verdict: Verdict = "wheels",
    compiles: tuple[str, ...] = (),
    python: str = "3.13.1",
) -> BaseCost:
    facts = BaseFacts(
        image=base, arch="amd64", date=date(2026, 1, 1), libc=libc, libc_version="2.41", source="-", python=python
    )
    files = (file("a"), *(file(name, "sdist") for name in compiles))
    return BaseCost(
        base=base, facts=facts, verdict=verdict, python=python, files=files, compiles=compiles, image_bytes=image_bytes
    )


def test_the_smallest_of_those_that_compile_nothing() -> None:
    alpine = cost("alpine", 50_000_000, libc="musl", verdict="compiles", compiles=("numpy",))
    advice = recommend([cost("full", 900_000_000), cost("slim", 300_000_000), alpine], (3, 13))
    assert advice.base == "slim"
    assert "nothing is compiled" in advice.reason
    assert "600 MB less than full" in advice.reason


def test_musl_wins_with_a_remark() -> None:
    advice = recommend([cost("slim", 300_000_000), cost("alpine", 200_000_000, libc="musl")], (3, 13))
    assert advice.base == "alpine"
    assert "musl" in advice.reason


def test_a_size_that_is_not_known_does_not_win_and_is_named() -> None:
    advice = recommend([cost("secret", None), cost("slim", 300_000_000)], (3, 13))
    assert advice.base == "slim"
    assert "size not known: secret" in advice.reason


def test_another_python_does_not_win() -> None:
    advice = recommend([cost("small", 1_000_000, python="3.12.1"), cost("slim", 300_000_000)], (3, 13))
    assert advice.base == "slim"


def test_the_least_compiling_where_all_compile() -> None:
    two = cost("two", 1, verdict="compiles", compiles=("a", "b"))
    one = cost("one", 2, verdict="compiles", compiles=("b",))
    assert recommend([two, one], (3, 13)).base == "one"


def test_one_base_is_not_compared_with_others() -> None:
    advice = recommend([cost("slim", 1, verdict="compiles", compiles=("numpy",))], None)
    assert advice.reason == "it compiles numpy"


def test_nothing_to_install_is_said() -> None:
    advice = recommend([replace(cost("slim", 1), files=())], None)
    assert advice.reason == "there is nothing to install"


def test_nothing_where_nothing_installs() -> None:
    assert recommend([replace(cost("x", None), verdict="impossible")], (3, 13)).base is None


def test_what_is_pulled_decides_where_no_image_size_is_known() -> None:
    large = replace(cost("large", None), image_compressed_bytes=90_000_000)
    small = replace(cost("small", None), image_compressed_bytes=40_000_000)
    advice = recommend([large, small, cost("unknown", None)], (3, 13))
    assert advice.base == "small"
    assert "its download is the smallest, 50 MB less than large" in advice.reason
    assert "size not known: unknown" in advice.reason
