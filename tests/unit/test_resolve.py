"""From requirements to pinned versions, by the real uv on a private index: above all what uv alone would get wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tests.fake_index import FakeIndex, sdist, wheel

from wheelbase.errors import ResolutionError
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import IndexSettings
from wheelbase.pins import Asked
from wheelbase.project.values import Package, Requirements
from wheelbase.resolve import Resolution, resolve

pytestmark = pytest.mark.usefixtures("nobody")


def stated(name: str, version: str, *requires: str, kind: str = "2.2") -> bytes:
    """A source archive that states its dependencies: metadata of another version than 2.2 says nothing binding."""
    lines = [f"Metadata-Version: {kind}", f"Name: {name}", f"Version: {version}"]
    text = "\n".join([*lines, *(f"Requires-Dist: {one}" for one in requires)]) + "\n"
    return sdist({"PKG-INFO": text, "setup.py": "import os\n"}, folder=f"{name}-{version}/")


def pure(name: str, *versions: str, requires: tuple[str, ...] = ()) -> dict[str, bytes]:
    return {f"{name}-{version}-py3-none-any.whl": wheel(name, version, requires=requires) for version in versions}


def asked(index: FakeIndex, *lines: str, **changes: Any) -> Asked:
    settings = IndexSettings(source="test", index_url=index.simple, best_match=True)
    requirements = Requirements(source="test", requirements=tuple(map(Requirement, lines)))
    return replace(Asked(requirements=requirements, settings=settings, python=(3, 13), machine="x86_64"), **changes)


def resolved(question: Asked) -> Resolution:
    return resolve(question, Index(Client(question.settings), question.settings))


def versions(question: Asked) -> dict[str, str]:
    return {package.name: str(package.version) for package in resolved(question).packages}


def test_newest_versions_and_what_they_need(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0", "2.0", requires=("lib>=1",)))
    fake_index.add("lib", pure("lib", "1.0", "1.5", "2.0rc1"))
    assert versions(asked(fake_index, "app")) == {"app": "2.0", "lib": "1.5"}
    assert versions(asked(fake_index, "app<2", "lib==1.0")) == {"app": "1.0", "lib": "1.0"}


def test_a_lock_file_leaves_nothing_to_resolve(fake_index: FakeIndex) -> None:
    locked = (Package(name="app", version=Version("1.0")),)
    question = asked(fake_index, requirements=Requirements(source="lock", locked=locked, skipped=("it",)))
    assert resolved(question) == Resolution(packages=locked, notes=("not counted: it",))


def test_a_newer_release_that_is_a_source_archive_alone_is_taken_as_pip_does(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0") | {"app-1.1.tar.gz": stated("app", "1.1", "lib")})
    fake_index.add("lib", pure("lib", "1.0"))
    assert versions(asked(fake_index, "app")) == {"app": "1.1", "lib": "1.0"}
    settings = replace(asked(fake_index).settings, prefer_binary=True)
    assert versions(asked(fake_index, "app", settings=settings)) == {"app": "1.0"}


def test_a_newer_source_archive_that_does_not_state_its_dependencies_is_told_of(fake_index: FakeIndex) -> None:
    silent = sdist({"setup.py": "from setuptools import setup\nsetup(**read())\n"}, folder="app-1.1/")
    fake_index.add("app", pure("app", "1.0") | {"app-1.1.tar.gz": silent})
    found = resolved(asked(fake_index, "app"))
    assert [str(package.version) for package in found.packages] == ["1.0"]
    assert found.notes == (
        "app 1.1 is newer, but its archive does not state its dependencies; --allow-build app lets uv build it to ask",
    )


def test_a_newer_source_archive_that_does_not_go_with_the_rest_is_left(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0") | {"app-1.1.tar.gz": stated("app", "1.1", "lib>=2")})
    fake_index.add("lib", pure("lib", "1.0", "2.0"))
    assert versions(asked(fake_index, "app", "lib<2")) == {"app": "1.0", "lib": "1.0"}


def test_a_package_without_any_wheel(fake_index: FakeIndex) -> None:
    fake_index.add("app", {f"app-{v}.tar.gz": stated("app", v, "lib") for v in ("1.0", "1.1")})
    fake_index.add("lib", pure("lib", "1.0"))
    assert versions(asked(fake_index, "app")) == {"app": "1.1", "lib": "1.0"}


def test_a_version_with_wheels_for_another_system_alone(fake_index: FakeIndex) -> None:
    files = {"app-1.0-cp313-cp313-win_amd64.whl": wheel("app", "1.0"), "app-1.0.tar.gz": stated("app", "1.0")}
    fake_index.add("app", files)
    assert versions(asked(fake_index, "app==1.0")) == versions(asked(fake_index, "app")) == {"app": "1.0"}


def test_a_package_without_any_wheel_that_only_a_build_would_tell_of(fake_index: FakeIndex) -> None:
    silent = sdist({"setup.py": "from setuptools import setup\nsetup(**read())\n"}, folder="app-1.1/")
    fake_index.add("app", {"app-1.1.tar.gz": silent})
    with pytest.raises(ResolutionError, match=r"app 1\.1 has no wheel") as caught:
        resolved(asked(fake_index, "app"))
    assert caught.value.hint == "--allow-build app lets uv build it on this machine, which runs its code"


def test_wheels_of_other_pythons_do_not_make_a_release_one_with_wheels(fake_index: FakeIndex) -> None:
    files = {
        "app-2.0-cp312-cp312-manylinux_2_28_x86_64.whl": wheel("app", "2.0"),
        "app-2.0.tar.gz": stated("app", "2.0"),
    }
    fake_index.add("app", pure("app", "1.0") | files)
    assert versions(asked(fake_index, "app")) == {"app": "2.0"}
    assert versions(asked(fake_index, "app", python=(3, 12))) == {"app": "2.0"}


@pytest.mark.parametrize(
    "marker",
    ["platform_machine == 'aarch64'", "implementation_name == 'pypy'", "platform_system == 'Windows'"],
)
def test_what_others_need_holds_nothing_back(fake_index: FakeIndex, marker: str) -> None:
    fake_index.add("app", pure("app", "1.0", requires=(f"lib<2; {marker}", "other")))
    fake_index.add("other", pure("other", "1.0", requires=("lib",)))
    fake_index.add("lib", pure("lib", "1.0", "2.0"))
    assert versions(asked(fake_index, "app")) == {"app": "1.0", "lib": "2.0", "other": "1.0"}


def test_further_constraints_of_one_base(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0", "2.0"))
    assert versions(asked(fake_index, "app", narrowed=("app<=1.0",))) == {"app": "1.0"}


def test_what_cannot_be_satisfied_is_said_in_one_sentence(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0"))
    with pytest.raises(ResolutionError, match=r"there is no app>=2 on the package index|no set of versions"):
        resolved(asked(fake_index, "app>=2"))
    with pytest.raises(ResolutionError, match="nowhere is not on the package index"):
        resolved(asked(fake_index, "nowhere"))


def test_an_answer_is_kept(fake_index: FakeIndex, nobody: Path) -> None:
    fake_index.add("app", pure("app", "1.0"))
    assert versions(asked(fake_index, "app")) == {"app": "1.0"}
    fake_index.routes.clear()
    assert versions(asked(fake_index, "app")) == {"app": "1.0"}


def test_what_is_named_first_is_newest_where_two_conflict(fake_index: FakeIndex) -> None:
    for name in ("one", "two"):
        fake_index.add(
            name, pure(name, "1.0") | pure(name, "2.0", requires=(f"lib=={'1.0' if name == 'one' else '2.0'}",))
        )
    fake_index.add("lib", pure("lib", "1.0", "2.0"))
    assert versions(asked(fake_index, "one", "two")) == {"one": "2.0", "two": "1.0", "lib": "1.0"}
    assert versions(asked(fake_index, "two", "one")) == {"two": "2.0", "one": "1.0", "lib": "2.0"}


def test_a_source_archive_between_a_wheel_and_a_newer_wheel_that_does_not_fit(fake_index: FakeIndex) -> None:
    fake_index.add("app", pure("app", "1.0", requires=("lib<3",)))
    fake_index.add("lib", pure("lib", "1.0", "3.0") | {"lib-2.0.tar.gz": stated("lib", "2.0")})
    assert versions(asked(fake_index, "app")) == {"app": "1.0", "lib": "2.0"}
