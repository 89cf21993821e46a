"""The system's headers that C sources include: whose they are, which sources count, and what bounds the search."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.source.findings import Evidence
from wheelbase.source.includes import find_in_c, find_includes, is_ordinary, named_sources
from wheelbase.source.own_headers import own_header
from wheelbase.source.tree import SourceTree


def tree(files: dict[str, str | bytes]) -> SourceTree:
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    return SourceTree({path: len(content) for path, content in contents.items()}, contents)


def found(files: dict[str, str | bytes]) -> dict[str, Evidence]:
    """Return the first of each name, which is the surest."""
    listed = list(find_in_c(tree(files)))
    return {one.name: one for one in reversed(listed)}


@pytest.mark.parametrize(
    "name",
    "stdio.h sys/epoll.h vector immintrin.h arm_neon.h experimental/optional Python.h numpy/arrayobject.h windows.h"
    " CoreFoundation/CoreFoundation.h sys/event.h config.h utils.h pybind11/pybind11.h ./stdlib.h Windows.h"
    " bits/types.h avx512fintrin.h omp.h crypt.h sys/sysctl.h".split(),
)
def test_what_no_library_brings(name: str) -> None:
    assert is_ordinary(name)


@pytest.mark.parametrize(
    "name",
    "zlib.h openssl/ssl.h ft2build.h boost/version.hpp Eigen/Dense libpq-fe.h rpc/rpc.h event.h linux/if.h sasl/sasl.h"
    " security/pam_appl.h X11/Xlib.h".split(),
)
def test_what_a_library_brings(name: str) -> None:
    assert not is_ordinary(name)


REQUIRES_PYBIND11 = "[build-system]\nrequires = ['setuptools', 'pybind11']\n"


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({}, {"pybind11/stl.h"}),
        ({"setup.py": "def include():\n  try:\n    import pybind11\n  except ImportError: pass\n"}, {"pybind11/stl.h"}),
        ({"setup.py": "import pybind11\n"}, set()),
        ({"setup.py": "setup(setup_requires=['pybind11>=2'])\n"}, {"pybind11/stl.h"}),
        ({"setup.py": "setup(setup_requires=['pybind11>=2'], include_dirs=[helper.pybind11.include()])\n"}, set()),
        ({"setup.cfg": "[options]\nsetup_requires =\n    pybind11>=2\n"}, {"pybind11/stl.h"}),
        ({"setup.cfg": "[options]\nsetup_requires =\n    pybind11>=2\n", "inc.py": "import pybind11"}, set()),
        ({"setup.py": "import numpy, pybind11 as pb\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "x = resource('pybind11', 'include')\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "run(['pybind11-config', '--includes'])\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "x = f'{purelib}/pybind11/include'\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "run('python3 -mpybind11 --includes')\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "x = join(purelib, 'pybind11/include')\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"tools/build/x.py": "import pybind11\n", "pyproject.toml": REQUIRES_PYBIND11}, set()),
        ({"setup.py": "pybind11_include = 'x'\n", "pyproject.toml": REQUIRES_PYBIND11}, {"pybind11/stl.h"}),
        ({"setup.py": "def torch():\n    from torch.utils import cpp_extension\n"}, set()),
        ({"pyproject.toml": "[build-system]\nrequires = ['torch']\n", "CMakeLists.txt": ""}, set()),
        ({"extern/pybind11/include/pybind11/stl.h": ""}, set()),
    ],
)
def test_headers_of_pybind11_where_nothing_asks_for_it(files: dict[str, str | bytes], asked: set[str]) -> None:
    script = files.get("setup.py", "")
    sources = {"setup.py": f"{script!s}Extension('x', ['x.cpp'])\n", "x.cpp": '#include "pybind11/stl.h"\n'}
    assert set(found({**files, **sources})) == asked


def test_evidence_says_where_and_on_what_condition() -> None:
    text = "#include <zlib.h>\n#ifdef HAVE_LZ4\n#include <lz4.h>\n#endif\n#ifdef _WIN32\n#include <dead.h>\n#endif\n"
    assert [(one.name, one.where, one.need, one.condition) for one in find_includes(text, "setup.py", 40)] == [
        ("zlib.h", "setup.py:40", "required", ""),
        ("lz4.h", "setup.py:42", "optional", "#ifdef HAVE_LZ4"),
    ]


def test_headers_of_the_archive_are_followed() -> None:
    files: dict[str, str | bytes] = {
        "setup.py": "Extension('x', ['src/x.c'])",
        "src/x.c": '#include "x.h"\n#ifdef WITH_Y\n#include "y.h"\n#endif\n',
        "src/x.h": '#include <zlib.h>\n#include "x.h"\n',
        "include/y.h": "#include <lz4.h>\n",
        "src/unrelated.h": "#include <nobody.h>\n",
    }
    assert {name: one.need for name, one in found(files).items()} == {"zlib.h": "required", "lz4.h": "optional"}
    assert found(files)["zlib.h"].where == "src/x.h:1"


def test_sources_that_no_script_names_count_little() -> None:
    files: dict[str, str | bytes] = {
        "meson.build": "py.extension_module('x', ['used.c'])",
        "used.c": "#include <a/used.h>",
        "tools/other.c": "#include <a/unused.h>\n#include <a/used.h>",
    }
    used, unused = found(files)["a/used.h"], found(files)["a/unused.h"]
    assert (unused.need, unused.weight) == ("optional", 0.4)
    assert used.weight == 0.49
    # By a pattern, or where no script names any, all are.
    del files["meson.build"]
    assert found(files)["a/unused.h"].need == "required"
    files["setup.py"] = "Extension('x', ['used.c', *glob('tools/*.c')])"
    assert found(files)["a/unused.h"].need == "required"
    assert set(named_sources(tree(files))) == {"used.c", "tools/other.c"}


def test_sources_that_are_seen_to_be_compiled_count_most() -> None:
    archive = tree({"setup.py": "build('a.c', 'b.c')", "a.c": "#include <a/a.h>\n", "b.c": "#include <b/b.h>\n"})
    archive.built, archive.built_otherwise = {"b.c"}, True
    assert {one.name: (one.need, one.weight) for one in find_in_c(archive)} == {
        "a/a.h": ("required", 0.4),
        "b/b.h": ("required", 0.8),
    }


def test_copies_of_other_projects_count_where_they_are_compiled() -> None:
    copy = '#include <a/always.h>\n#ifdef WITH_B\n#include <b/perhaps.h>\n#endif\n#include "z.h"\n'
    archive = tree({"x.c": "", "vendor/z/z.c": copy, "vendor/z/z.h": "#include <c/below.h>", "vendor/y/y.c": copy})
    archive.built = {"x.c", "vendor/z/z.c"}
    assert {one.name: (one.need, one.where) for one in find_in_c(archive)} == {
        "a/always.h": ("required", "vendor/z/z.c:1"),
        "c/below.h": ("required", "vendor/z/z.h:1"),
    }
    archive.conditional = {"vendor/z/z.c": "without the system's"}
    assert list(find_in_c(archive)) == []


def test_headers_that_a_build_links_to_or_fetches_are_its_own() -> None:
    includes = '#include <lib/api.h>\n#include "Eigen/Dense"\n#include <nanoflann.hpp>\n#include <other/api.h>\n'
    includes += '#include "imgui_internal.h"\n#include "backends/imgui_impl_glfw.h"\n'
    archive = tree({"a.c": includes, "lib/src/inner/api.h": "#include <deep/deep.h>\n"})
    archive.fetched = {"eigen", "nanoflann", "imgui"}
    assert {one.name for one in find_in_c(archive)} == {"deep/deep.h", "other/api.h"}


def test_headers_of_a_library_that_is_packed_within_are_its_own() -> None:
    archive = tree({"a.c": "", "third/libzed-1.2.tar.gz": b""})
    assert [own_header(archive, "a.c", name) for name in ("zed/zed.h", "zed.h", "other.h")] == ["", "", None]


def test_what_is_left_out() -> None:
    files: dict[str, str | bytes] = {
        "a.c": "#include <windows.h>\n#include <made.h>\n#include <tool/x.h>",
        "vendor/z/z.c": "#include <vendored.h>",
        "tests/t.c": "#include <tested.h>",
        "made.h.in": "",
        "sub/tool/x.h": "",
        "mod.c": "/* Generated by Cython 3.0 */\n#include <cythons.h>",
        "mod.pyx": "",
    }
    assert found(files) == {}
    del files["mod.pyx"]  # without which the made one has to tell
    assert set(found(files)) == {"cythons.h"}


def test_what_the_build_writes_is_its_own() -> None:
    files: dict[str, str | bytes] = {
        "meson.build": "configure_file(output: 'built.h')\ncc.has_header('zlib.h')\nx = ['a.c']",
        "gen_tables.py": "open('tables.h', 'w')",
        "a.c": '#include "built.h"\n#include "tables.h"\n#include "zlib.h"\n#include "simd.dispatch.h"\n',
        "simd.dispatch.c": "",
    }
    assert set(found(files)) == {"zlib.h"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.h", "src/x.h"),
        ("./x.h", "src/x.h"),
        ("../top.h", "src/../top.h"),
        ("deep/y.h", "include/deep/y.h"),
        ("y.h", "include/deep/y.h"),
        ("openssl/x.h", None),  # the archive has a x.h, but none of openssl
        ("module.h", ""),
        ("module_api.h", ""),
        ("plain.h", None),  # a .pxd of the name declares a header, it does not make it
        ("zlib.h", None),
    ],
)
def test_own_headers(name: str, expected: str | None) -> None:
    files: dict[str, str | bytes] = {
        "src/x.h": "",
        "top.h": "",
        "include/deep/y.h": "",
        "module.pyx": "cdef public int f():\n  pass\n",
        "plain.pyx": "",
        "zlib.pxd": "",
    }
    if expected == "src/../top.h":
        expected = "top.h"
    assert own_header(tree(files), "src/a.c", name) == expected


def test_setup_cfg_defines_macros() -> None:
    files: dict[str, str | bytes] = {
        "setup.cfg": "[build_ext]\ndefine = WITH_Z,\n    OTHER=1\n",
        "a.c": "#ifdef WITH_Z\n#include <zlib.h>\n#endif\n",
    }
    assert found(files)["zlib.h"].need == "required"


def test_the_search_is_bounded() -> None:
    many = 3000
    chain = {f"h{number}.h": f'#include "h{number + 1}.h"\n#include "h{number // 2}.h"\n' for number in range(many)}
    sources = {f"s{number}.c": f'#include "h0.h"\n#include <n{number}/x.h>\n' for number in range(many)}
    start = time.process_time()
    evidence = list(find_in_c(tree({**chain, **sources})))
    assert len(evidence) <= 400
    assert time.process_time() - start < 5
    namesakes = {f"d{number}/x.h": "" for number in range(many)}
    start = time.process_time()
    text = "".join(f'#include "e{number}/x.h"\n' for number in range(many))
    assert len(list(find_in_c(tree({**namesakes, "a.c": text})))) <= 400
    assert len(list(find_includes(text, "x"))) <= 400
    assert time.process_time() - start < 5


def test_a_file_that_is_asked_for_often_is_looked_at_once() -> None:
    files: dict[str, str | bytes] = {f"d{number}/m.pyx": "x = 1\n" * 20_000 for number in range(20)}
    start = time.process_time()
    assert len(list(find_in_c(tree({**files, "a.c": '#include "m.h"\n' * 30_000})))) == 1
    assert time.process_time() - start < 5


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a.c", "b.cpp", "x.h", "d/x.h", "setup.py", "meson.build", "setup.cfg", "m.pyx", "gen.py"]),
        st.binary(max_size=120) | st.text("#include <\"x.h>\n'/*a.c\\=()", max_size=120),
        max_size=9,
    )
)
def test_junk_never_raises(files: dict[str, str | bytes]) -> None:
    for one in find_in_c(tree(files)):
        assert one.name
        assert one.where.split(":")[0] in files


@pytest.mark.parametrize(
    ("macro", "names"),
    [("('A', 0)", set()), ("('A', '2')", {"a.h"}), ("('A', 'OTHER')", {"a.h", "b.h"}), ("('A', None)", {"b.h"})],
)
def test_macros_have_values(macro: str, names: set[str]) -> None:
    setup = f"setup(ext_modules=[Extension('m', ['m.c'], define_macros=[{macro}])])"
    text = "#if A == 2\n#include <a.h>\n#endif\n#if A == 1\n#include <b.h>\n#endif\n"
    assert set(found({"setup.py": setup, "m.c": text})) == names


ON_A = "#ifdef HAVE_A\n#include <a.h>\n#endif\n"


@pytest.mark.parametrize(
    ("setup", "expected"),
    [
        ("setup(ext_modules=[Extension('m', ['m.c'], define_macros=[('HAVE_A', '1')])])", "required"),
        ("macros = [('HAVE_A', None)]\nsetup()", "required"),
        ("macros = []\nmacros.append(('HAVE_A', None))\nsetup()", "required"),
        ("setup(ext_modules=[Extension('m', ['m.c'], extra_compile_args=['-DHAVE_A'])])", "required"),
        ("macros = []\nif found:\n    macros.append(('HAVE_A', None))\nsetup()", "optional"),
        ("try:\n    macros = [('HAVE_A', None)]\nexcept OSError:\n    pass\nsetup()", "optional"),
        ("setup(ext_modules=[Extension('m', ['m.c'], define_macros=[('HAVE_A', '0')])])", "required"),  # by #ifdef
        ("files = [('HAVE_A', 1)]\nsetup()", "optional"),
        ("run(['cmake', '-DHAVE_A=OFF'])", "optional"),
    ],
)
def test_macros_that_setup_defines(setup: str, expected: str) -> None:
    assert found({"setup.py": setup, "m.c": ON_A})["a.h"].need == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("#define HAVE_A 1\n", "required"),
        ("#define HAVE_A 0\n", "optional"),
        ("#ifdef X\n#define HAVE_A 1\n#endif\n", "optional"),
        ("#ifdef __linux__\n#define HAVE_A\n#endif\n", "required"),
        ('#include "inner.h"\n', "required"),
    ],
)
def test_macros_that_headers_of_the_archive_define(header: str, expected: str) -> None:
    source = '#include "own.h"\n#if HAVE_A\n#include <a.h>\n#endif\n'
    files: dict[str, str | bytes] = {"m.c": source, "own.h": header, "inner.h": "#define HAVE_A 1\n"}
    listed = find_in_c(tree(files))
    assert ("required" in {one.need for one in listed if one.name == "a.h"}) == (expected == "required")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "required"),
        ({"setup.py": "define_macros = [('NO_A', None)] if x else []"}, "optional"),
        ({"CMakeLists.txt": "add_definitions(-DNO_A)"}, "optional"),
        ({"other.h": "#define NO_A\n"}, "optional"),
    ],
)
def test_what_a_macro_switches_off_that_nobody_defines(files: dict[str, str | bytes], expected: str) -> None:
    listed: dict[str, str | bytes] = {
        "m.c": "#ifndef NO_A\n#include <a.h>\n#endif\n#ifndef B\n#include <b.h>\n#endif\n"
    }
    needs = found(files | listed)
    assert needs["a.h"].need == expected
    assert needs["b.h"].need == "optional"


def test_headers_of_a_library_that_the_archive_brings() -> None:
    texts = {"src/tls.c": "#include <mbedtls/net.h>\n#include <other/net.h>\n", "mbedtls/include/mbedtls/ssl.h": ""}
    contents = {path: text.encode() for path, text in texts.items()}
    tree = SourceTree({path: len(data) for path, data in contents.items()}, contents)
    assert [one.name for one in find_in_c(tree)] == ["other/net.h"]


@pytest.mark.parametrize(("licence", "need"), [("lib/jpeg/LICENSE", "optional"), ("lib/jpeg/notes.txt", "required")])
def test_sources_of_a_project_that_the_archive_brings(licence: str, need: str) -> None:
    texts = {"lib/jpeg/CMakeLists.txt": "", "lib/jpeg/bin/server.c": "#include <fcgi_stdio.h>\n", licence: ""}
    contents = {path: text.encode() for path, text in texts.items()}
    tree = SourceTree({path: len(data) for path, data in contents.items()}, contents)
    assert [one.need for one in find_in_c(tree)] == [need]


def test_sources_that_are_not_seen_to_be_compiled_tell_little() -> None:
    files: dict[str, str | bytes] = {
        "setup.py": "glob('*.c')",
        "a.c": "#include <zlib.h>\n",
        "tool.c": "#include <popt.h>\n",
    }
    made = tree(files)
    made.built = {"a.c"}
    assert {one.name: one.need for one in find_in_c(made)} == {"zlib.h": "required", "popt.h": "optional"}
    made.built_otherwise = True
    assert {one.name: one.need for one in find_in_c(made)} == {"zlib.h": "required", "popt.h": "required"}
    made.built_nothing = True
    assert {one.need for one in find_in_c(made)} == {"optional"}


def test_a_header_that_the_build_makes_of_a_template() -> None:
    files: dict[str, str | bytes] = {
        "setup.py": "Extension('x', ['a.c'])",
        "a.c": "#include <jxl/version.h>\n#include <other/version.h>\n",
        "lib/include/jxl/version.h.in": "",
        "zlib/version.h": "",
    }
    assert list(found(files)) == ["other/version.h"]


def test_what_swig_puts_into_the_c_that_it_writes() -> None:
    text = "%module a\n%{\n#include <yaml.h>\n%}\n#include <zlib.h>\n"
    files = tree({"setup.py": "", "a.i": text, "b.i": text.replace("yaml", "lz4")})
    files.built.add("a.i")
    assert [(one.name, one.where, one.need) for one in find_in_c(files)] == [("yaml.h", "a.i:2", "required")]


@pytest.mark.parametrize(
    ("more", "made"),
    [
        ({}, False),
        ({"CMakeLists.txt": ""}, True),
        ({"setup.py": "open('b.h', 'w').write('')"}, True),
        ({"pyproject.toml": "[build-system]\nrequires = ['cysignals']\n"}, True),  # which has headers
    ],
)
def test_whether_something_may_make_a_header(more: dict[str, str | bytes], made: bool) -> None:
    files = tree({"a.c": '#include "b.h"\n', **more})
    files.built = {"a.c"}
    assert [one.made for one in find_in_c(files)] == [made]
