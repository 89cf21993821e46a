"""What Cython sources take from C, and the languages that archives are in."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.source.analysis import analyse
from wheelbase.source.cython import find_in_cython, find_languages
from wheelbase.source.includes import find_in_c
from wheelbase.source.tree import SourceTree


def tree(files: dict[str, str | bytes]) -> SourceTree:
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return SourceTree({path: len(content) for path, content in contents.items()}, contents)


def found(files: dict[str, str | bytes]) -> dict[str, str]:
    return {one.name: one.need for one in find_in_cython(tree(files))}


def test_externs_and_libraries() -> None:
    text = (
        "# distutils: libraries = z M_LIBRARIES lz4\n# distutils: language = c++\n"
        'cdef extern from "zlib.h" nogil:\n    int deflate()\n'
        "cdef extern from '<lz4.h>':\n    pass\n"
        'cdef public extern from "geos_c.h": pass\n'
        'cdef extern from "Python.h":\n    pass\ncdef extern from "mine.h":\n    pass\n'
        "cdef extern from * nogil:\n    '''\n    #include <verb.h>\n    #ifdef _WIN32\n    #include <dead.h>\n"
        "    #endif\n    '''\n    int x\n"
    )
    listed = list(find_in_cython(tree({"a.pyx": text, "src/mine.h": ""})))
    assert [(one.kind, one.name, one.where) for one in listed] == [
        ("header", "zlib.h", "a.pyx:3"),
        ("header", "lz4.h", "a.pyx:5"),
        ("header", "geos_c.h", "a.pyx:7"),
        ("header", "verb.h", "a.pyx:14"),
        ("library", "z", "a.pyx:1"),
        ("library", "lz4", "a.pyx:1"),
    ]
    assert {one.need for one in listed} == {"required"}


@pytest.mark.parametrize(
    "text", ["libraries = one two", "libraries = ['one', two]", "extra_link_args = -lone -O1 -ltwo"]
)
def test_lists_of_libraries(text: str) -> None:
    assert found({"a.pyx": f"# distutils: {text}\n"}) == {"one": "required", "two": "required"}


@pytest.mark.parametrize(
    ("use", "module"),
    [
        ("from pkg.lib cimport f", "pkg/lib.pxd"),
        ("from pkg cimport (\n  other,\n  lib as l)", "pkg/lib.pxd"),
        ("cimport pkg.lib as l", "pkg/lib.pxd"),
        ("from . cimport lib", "src/lib.pxd"),
        ("from .lib cimport *", "src/lib.pxd"),
        ("include 'lib.pxi'", "src/lib.pxi"),
        ("include 'lib.pxi'", "src/lib.pxi.in"),
        ("", "src/mod.pxd"),
        ("from pkg cimport x", "pkg/__init__.pxd"),
    ],
)
def test_what_modules_take_in_is_required(use: str, module: str) -> None:
    declares = 'cdef extern from "hdf5.h":\n    pass\n'
    assert found({"src/mod.pyx": f"{use}\n", module: declares}) == {"hdf5.h": "required"}
    assert found({"src/mod.pyx": "from elsewhere cimport y\n", "src/unused.pxd": declares}) == {"hdf5.h": "optional"}


def test_a_pxd_of_a_python_module_is_used() -> None:
    files: dict[str, str | bytes] = {"_zmq.py": "", "_zmq.pxd": "from .lib cimport a", "lib.pxd": "", "o.pxd": ""}
    files["lib.pxd"] = 'cdef extern from "zmq.h":\n    pass\n'
    assert found(files) == {"zmq.h": "required"}


def test_blocks_for_other_systems() -> None:
    text = (
        'IF UNAME_SYSNAME == "Windows":\n    cdef extern from "win/x.h":\n        pass\n'
        'ELIF UNAME_SYSNAME in ("Linux", "FreeBSD"):\n    cdef extern from "lin/x.h":\n        pass\n'
        'ELSE:\n    cdef extern from "els/x.h":\n        pass\n'
        'IF UNAME_SYSNAME != "Darwin":\n\n    # said\n    cdef extern from "not/mac.h":\n        pass\n'
        'IF WITH_Y:\n    IF UNAME_SYSNAME == "Darwin":\n        cdef extern from "dead/y.h": pass\n'
        '    cdef extern from "may/y.h":\n        pass\nELSE:\n    cdef extern from "may/not.h": pass\n'
        'cdef extern from "after/x.h":\n    pass\n'
    )
    assert found({"a.pyx": text}) == {
        "lin/x.h": "required",
        "not/mac.h": "required",
        "may/y.h": "optional",
        "may/not.h": "optional",
        "after/x.h": "required",
    }
    told = {one.name: one.condition for one in find_in_cython(tree({"a.pyx": text}))}
    assert told["may/y.h"] == "IF WITH_Y"


def test_languages() -> None:
    def of(*paths: str, **texts: str) -> dict[str, str]:
        files: dict[str, str | bytes] = {}
        files.update(dict.fromkeys(paths, ""))
        files.update({name.replace("_", "."): text for name, text in texts.items()})
        return {one.name: one.where for one in find_languages(tree(files)) if one.kind == "language"}

    assert of("b.c", "a.c", "x.cpp") == {"c": "a.c:1", "c++": "x.cpp:1"}
    assert of("x.f90", "k.cu", "m.go", "l.rs") == {}
    assert of("a.pyx") == {"cython": "a.pyx:1"}
    assert of("a.pyx", "a.c") == {"c": "a.c:1"}
    assert of("tests/a.c", "vendor/b.cpp") == {"c++": "vendor/b.cpp:1"}
    assert of(a_pyx="# distutils: language = c++\n") == {"cython": "a.pyx:1", "c++": "a.pyx:1"}
    assert of("a.c", "b.c", setup_py="Extension('b', ['b.c'])")["c"] == "b.c:1"
    assert of("a.h", "a.py") == {}


def test_sources_that_no_build_compiles() -> None:
    files = ("ext/a.c", "contrib/go/x.go", "rust-ext/src/lib.rs", "rust-ext/Cargo.toml", "tools/old.f", "gpu/k.cu")
    setup = "setup(ext_modules=[Extension('a', ['ext/a.c'])])"
    listed = list(find_languages(tree({**dict.fromkeys(files, ""), "setup.py": setup})))
    assert [one.name for one in listed] == ["c"]


@pytest.mark.parametrize(
    ("path", "setup", "expected"),
    [
        ("pkg/quad.f", "from numpy.distutils.core import setup", ["fortran"]),
        ("pkg/quad.f", "from setuptools import setup", []),
        ("vendor/quad.f", "from numpy.distutils.core import setup", []),
        ("pkg/tests/quad.f", "from numpy.distutils.core import setup", []),
    ],
)
def test_fortran_by_numpy_distutils(path: str, setup: str, expected: list[str]) -> None:
    assert [one.name for one in find_languages(tree({path: "", "setup.py": setup}))] == expected
    assert list(find_languages(tree({path: "", "setup.py": setup, "meson.build": ""}))) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"setup.py": "Extension('lib', ['src/lib.i'])"}, "required"),
        ({"CMakeLists.txt": "find_package(SWIG REQUIRED)"}, "required"),
        ({"setup.py": "Extension('lib', ['src/lib.i'])", "src/lib_wrap.c": ""}, "optional"),
        ({"setup.py": "Extension('lib', ['src/lib.i'])", "out/lib_wrap.cpp": ""}, "optional"),
        ({"setup.py": "Extension('lib', ['src/lib.i'])", "src/lib_wrap_1.2.c": ""}, "optional"),
        ({"setup.py": "Extension('other', ['other.c'])"}, "optional"),
        ({"setup.py": "", "copy/python/setup.py": "Extension('lib', ['src/lib.i'])"}, "optional"),
    ],
)
def test_swig(files: dict[str, str | bytes], expected: str) -> None:
    listed = find_languages(tree({"src/lib.i": "%module lib\n", "x.i": "plain", **files}))
    assert [one.need for one in listed if one.name == "swig"] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        'cdef extern from "a/b.h":\n' * 40_000,
        "".join(f'cdef extern from "a/b{number}.h":\n' for number in range(30_000)),
        "cdef extern from *:\n  '''\n" * 40_000,
        "cdef extern from *" + ":" * 900_000,
        "cdef extern from *:\n" + " " * 900_000,
        "IF X:\n" * 150_000,
        "".join(" " * (number % 200) + "IF X:\n" for number in range(8_000)),
        "from a cimport " + "b," * 400_000,
        "from a cimport (\n" * 60_000,
        "# distutils: libraries = " + "z " * 400_000,
        "\0" * 1_000_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_time_and_results_are_bounded(text: str) -> None:
    start = time.process_time()
    files: dict[str, str | bytes] = {"a.pyx": text, "b.pxd": text}
    assert len(list(find_in_cython(tree(files)))) <= 400
    list(find_languages(tree(files)))
    assert time.process_time() - start < 6


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a.pyx", "b.pxd", "c.pxi", "d.pyx.in", "a.c", "a.i", "s/b.pxd"]),
        st.binary(max_size=150) | st.text("cdef xtrnfomip*'\"\n:<h.>IFELS_UNAMY=#(),", max_size=150),
        max_size=7,
    )
)
def test_junk_never_raises(files: dict[str, str | bytes]) -> None:
    for one in (*find_in_cython(tree(files)), *find_languages(tree(files))):
        assert one.where.rsplit(":", 1)[0] in files


def test_headers_by_way_of_a_header_of_the_archive() -> None:
    texts = {"a.pyx": 'cdef extern from "own.h":\n    int f()\n', "own.h": "#include <krb5.h>\n"}
    contents = {path: text.encode() for path, text in texts.items()}
    tree = SourceTree({path: len(data) for path, data in contents.items()}, contents)
    assert [(one.name, one.where, one.need) for one in find_in_cython(tree)] == [("krb5.h", "own.h:1", "required")]


def test_sources_that_modules_take_in_like_headers_are_compiled() -> None:
    script = "from setuptools import setup, Extension\nsetup(ext_modules=[Extension('a', ['a.pyx'])])\n"
    files = {"a.pyx": 'cdef extern from "more.cpp":\n  int f()\n', "more.cpp": "#include <one.h>\n"}
    for name, need in (("more.cpp", "required"), ("other.cpp", "optional")):
        asked = analyse(tree({"setup.py": script, "a.pyx": files["a.pyx"], name: files["more.cpp"]})).evidence
        assert {one.need for one in asked if one.name == "one.h"} == {need}


def test_what_a_script_that_was_not_followed_to_its_end_does_not_compile() -> None:
    files = tree({"a.pyx": 'cdef extern from "a.h": pass\n', "b.pyx": 'cdef extern from "b.h": pass\n'})
    files.built, files.unfollowed = {"a.pyx"}, True
    assert {one.name: one.need for one in find_in_cython(files)} == {"a.h": "required", "b.h": "optional"}


def test_sources_that_modules_are_compiled_with() -> None:
    script = "from Cython.Build import cythonize\nfrom setuptools import setup\nsetup(ext_modules=cythonize('*.pyx'))\n"
    files = tree(
        {"setup.py": script, "a.pyx": "# distutils: sources = c/b.c\n", "c/b.c": "#include <one.h>\n", "c/d.c": ""}
    )
    assert list(find_in_cython(files)) == []
    assert [(one.name, one.weight) for one in find_in_c(files)] == [("one.h", 0.8)]


def test_a_project_of_cmake_that_was_followed_tells_itself_whether_it_runs_swig() -> None:
    build = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
    cmake = 'option(USE_SWIG "Java" OFF)\nif(USE_SWIG)\n  find_package(SWIG REQUIRED)\nendif()\n'
    found = analyse(tree({"pyproject.toml": build, "CMakeLists.txt": cmake, "swig/a.i": "%module a\n", "a.c": ""}))
    assert [one.need for one in found.evidence if one.name == "swig"] == ["optional"]
