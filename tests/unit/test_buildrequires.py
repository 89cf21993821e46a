"""What has to be compiled before an archive can be, by the real uv on a private index, and how often that is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fake_index import FakeIndex, sdist
from tests.unit.test_fit import base, built, parts, question
from tests.unit.test_resolve import pure

from wheelbase.recipes.buildrequires import Built, builds_of, each_time
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Evidence, Findings

pytestmark = pytest.mark.usefixtures("nobody")
SETUP = "setuptools.build_meta:__legacy__"


def archive(name: str, version: str = "1.0", *, compiled: bool = True, requires: str = "") -> dict[str, bytes]:
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "setup.py": f"from setuptools import *\nsetup(ext_modules=[Extension('{name}', ['{name}.c'])])\n",
    }
    if compiled:
        files[f"{name}.c"] = "int main() { return 0; }\n" * 9
    if requires:
        files["pyproject.toml"] = f'[build-system]\nrequires = ["setuptools", "{requires}"]\n'
    return {f"{name}-{version}.tar.gz": sdist(files, folder=f"{name}-{version}/")}


def by_setup(*lines: str, condition: str = "") -> Findings:
    """An archive without a pyproject.toml whose setup.py asks for what pip or setuptools installs first."""
    asked = tuple(Evidence(kind="requirement", name=line, where="setup.py:1", condition=condition) for line in lines)
    return Findings(backend=SETUP, build_requires=("setuptools",), evidence=asked)


def builds(index: FakeIndex, findings: Findings, *, pip: str | None = None) -> list[tuple[str, str, bool]]:
    index.add("setuptools", pure("setuptools", "45.0"))
    asked, facts, target, found = parts(question(index), base("musl", pip=pip))
    return [
        (one.name, one.needed_by, one.kept) for one in builds_of(findings, asked, facts, target, found, needed_by="app")
    ]


def test_what_a_setup_py_asks_for_and_has_no_wheel(fake_index: FakeIndex) -> None:
    fake_index.add("lib", archive("lib") | built("lib", "1.0", "manylinux_2_28"))
    fake_index.add("ready", built("ready", "1.0", "musllinux_1_2"))
    assert builds(fake_index, by_setup("lib>=0.9", "ready")) == [("lib", "app", True)]


@pytest.mark.parametrize(("pip", "kept"), [("19.3.1", False), ("20.0", True), ("25.3", True), (None, True)])
def test_pip_keeps_what_setuptools_got_by_it_from_20_on(fake_index: FakeIndex, pip: str | None, kept: bool) -> None:
    fake_index.add("lib", archive("lib", requires="tool"))
    fake_index.add("tool", archive("tool"))
    found = builds(fake_index, by_setup("lib"), pip=pip)
    assert found == [("tool", "lib", True), ("lib", "app", kept)]  # the tool is pip's own doing in any version


def test_what_a_pyproject_asks_for_is_kept_by_any_pip(fake_index: FakeIndex) -> None:
    fake_index.add("lib", archive("lib"))
    assert builds(fake_index, Findings(backend=SETUP, build_requires=("setuptools", "lib")), pip="19.3.1") == [
        ("lib", "app", True)
    ]


def test_what_a_pure_archive_is_built_with_is_compiled_too(fake_index: FakeIndex) -> None:
    fake_index.add("middle", archive("middle", compiled=False, requires="tool"))
    fake_index.add("tool", archive("tool"))
    assert builds(fake_index, by_setup("middle")) == [("tool", "middle", True)]


def test_what_is_asked_for_on_another_command_does_not_count(fake_index: FakeIndex) -> None:
    fake_index.add("lib", archive("lib"))
    assert builds(fake_index, by_setup("lib", condition="'test' in sys.argv")) == []
    assert builds(fake_index, by_setup("lib", condition="not installed")) == [("lib", "app", True)]


def test_each_build_counts_as_often_as_it_takes_place() -> None:
    def made(name: str, *, kept: bool) -> Built:
        seconds = Estimate(low=1, value=1, high=1)
        return Built(
            name=name, version="1", needed_by="app", findings=Findings(backend=""), cpu_seconds=seconds, kept=kept
        )

    tool, lost, own = made("tool", kept=True), made("lost", kept=False), made("own", kept=True)
    again = replace(own, kept=False)
    found = each_time([tool, lost, own, tool, lost, again], frozenset({("own", "1")}))
    assert found == (tool, lost, lost, again)
