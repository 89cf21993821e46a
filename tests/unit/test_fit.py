"""One application on bases with different C libraries, by the real uv on a private index."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal

import pytest
from packaging.requirements import Requirement
from tests.fake_index import FakeIndex, wheel
from tests.unit.test_resolve import pure, stated

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.values import FormatControl, IndexSettings
from wheelbase.pins import Asked
from wheelbase.project.values import Requirements
from wheelbase.recipes.fit import Fit, advice, fit, hash_advice

pytestmark = pytest.mark.usefixtures("nobody")
Libc = Literal["glibc", "musl"]


def built(name: str, version: str, *platforms: str, python: str = "cp313") -> dict[str, bytes]:
    return {f"{name}-{version}-{python}-{python}-{one}_x86_64.whl": wheel(name, version) for one in platforms}


def base(libc: Libc, **changes: Any) -> BaseFacts:
    values: dict[str, Any] = {"image": "b", "arch": "amd64", "date": date(2026, 1, 1), "source": "", "libc": libc}
    values |= {"libc_version": "1.2.5" if libc == "musl" else "2.41", "python": "3.13.5"}
    return BaseFacts(**(values | changes))


def question(index: FakeIndex, *lines: str, prefer_binary: bool = False) -> Asked:
    settings = IndexSettings(source="test", index_url=index.simple, best_match=True, prefer_binary=prefer_binary)
    requirements = Requirements(source="test", requirements=tuple(map(Requirement, lines)))
    return Asked(requirements=requirements, settings=settings, python=(3, 13))


def parts(asked: Asked, facts: BaseFacts) -> tuple[Asked, BaseFacts, Target, Index]:
    target = target_of(facts)
    assert target
    return asked, facts, target, Index(Client(asked.settings), asked.settings)


def fitted(asked: Asked, libc: Libc, **changes: Any) -> Fit:
    return fit(*parts(asked, base(libc, **changes)))


def files(found: Fit) -> list[str | None]:
    return [one.taken.filename if one.taken else None for one in found.picked]


def test_each_base_takes_its_own_wheel(fake_index: FakeIndex) -> None:
    fake_index.add("app", built("app", "1.0", "manylinux_2_28", "musllinux_1_2", "musllinux_1_1"))
    asked = question(fake_index, "app")
    assert files(fitted(asked, "glibc")) == ["app-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"]
    assert files(fitted(asked, "musl")) == ["app-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"]
    assert files(fitted(asked, "musl", libc_version="1.1.24")) == ["app-1.0-cp313-cp313-musllinux_1_1_x86_64.whl"]


def test_an_older_version_where_the_newest_has_no_file_for_a_base(fake_index: FakeIndex) -> None:
    older = built("app", "1.0", "manylinux_2_28", "musllinux_1_2")
    fake_index.add("app", older | built("app", "2.0", "manylinux_2_28"))
    asked = question(fake_index, "app")
    assert files(fitted(asked, "glibc")) == ["app-2.0-cp313-cp313-manylinux_2_28_x86_64.whl"]
    found = fitted(asked, "musl")
    assert files(found) == ["app-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"]
    assert found.notes == ("app 1.0 is taken: newer versions have no file for this base",)


def test_what_cannot_step_back_does_not_keep_others_from_it(fake_index: FakeIndex) -> None:
    for name in ("app", "held"):
        older = built(name, "1.0", "manylinux_2_28", "musllinux_1_2")
        fake_index.add(name, older | built(name, "2.0", "manylinux_2_28"))
    found = fitted(question(fake_index, "app", "held>=2"), "musl")
    assert files(found) == ["app-1.0-cp313-cp313-musllinux_1_2_x86_64.whl", None]


def test_a_source_archive_of_the_newest_before_an_older_wheel_unless_binaries_are_preferred(
    fake_index: FakeIndex,
) -> None:
    newest = built("app", "2.0", "manylinux_2_28") | {"app-2.0.tar.gz": stated("app", "2.0")}
    fake_index.add("app", built("app", "1.0", "musllinux_1_2") | newest)
    assert files(fitted(question(fake_index, "app"), "musl")) == ["app-2.0.tar.gz"]
    asked = question(fake_index, "app", prefer_binary=True)
    assert files(fitted(asked, "musl")) == ["app-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"]
    assert files(fitted(asked, "glibc")) == ["app-2.0-cp313-cp313-manylinux_2_28_x86_64.whl"]


def test_what_the_base_brings_is_left_where_it_satisfies(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0", requires=("setuptools>=60",)))
    fake_index.add("setuptools", pure("setuptools", "50.0", "65.5.1", "80.0"))
    asked = question(fake_index, "app")
    found = fitted(asked, "glibc", setuptools="65.5.1")
    assert files(found) == ["app-1.0-py3-none-any.whl"]
    assert found.present == ("setuptools 65.5.1",)
    for brought in ("50.0", "none", None):
        found = fitted(asked, "glibc", setuptools=brought)
        assert files(found) == ["app-1.0-py3-none-any.whl", "setuptools-80.0-py3-none-any.whl"]
        assert found.present == ()


def test_markers_are_of_the_base(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0", requires=("lib; platform_machine == 'aarch64'",)))
    fake_index.add("lib", pure("lib", "1.0"))
    asked = question(fake_index, "app")
    assert files(fitted(asked, "glibc")) == ["app-1.0-py3-none-any.whl"]
    assert files(fitted(asked, "glibc", arch="arm64")) == ["app-1.0-py3-none-any.whl", "lib-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    ("offered", "sentence"),
    [
        (built("app", "1.0", "musllinux_1_2"), "app 1.0 is the newest with a wheel for b"),
        (built("app", "1.5", "musllinux_1_2", python="cp312"), "with Python 3.12 there is a wheel for musl: app 1.5"),
        (
            built("app", "2.0", "manylinux_2_28"),
            "there is no wheel for musl, but there is for glibc: app 2.0",
        ),
        ({}, "no version of app has a wheel for musl 1.2.5 on x86_64"),
    ],
)
def test_advice(fake_index: FakeIndex, offered: dict[str, bytes], sentence: str) -> None:
    fake_index.add("app", offered | {"app-2.0.tar.gz": stated("app", "2.0")})
    asked, facts, target, index = parts(question(fake_index, "app"), base("musl"))
    found = fit(asked, facts, target, index)
    assert files(found) == ["app-2.0.tar.gz"]
    assert advice(replace(asked), found.picked[0], target, "b", index) == sentence


def test_a_wheel_that_the_user_refuses_is_not_said_to_lack(fake_index: FakeIndex) -> None:
    fake_index.add("app", built("app", "1.0", "musllinux_1_2") | {"app-1.0.tar.gz": stated("app", "1.0")})
    asked = question(fake_index, "app")
    refusing = replace(asked.settings, format_control=FormatControl(no_binary=frozenset(["app"])))
    asked, facts, target, index = parts(replace(asked, settings=refusing), base("musl"))
    found = fit(asked, facts, target, index)
    assert files(found) == ["app-1.0.tar.gz"]
    assert advice(asked, found.picked[0], target, "b", index) == "no wheel of app is taken: --no-binary"


def test_where_only_hashes_keep_a_file_out_the_advice_is_about_them(fake_index: FakeIndex) -> None:
    fake_index.add("app", built("app", "1.0", "manylinux_2_28"))
    asked = question(fake_index, "app")
    strict = replace(asked, requirements=replace(asked.requirements, hashes={"app": frozenset({"0" * 64})}))
    (refused,) = fitted(strict, "glibc").picked
    assert refused.taken is None
    assert hash_advice(refused) == ("app", "the hash of no file that fits is allowed: add those of {} for this base")
    (taken,) = fitted(asked, "glibc").picked
    assert hash_advice(taken) is None
