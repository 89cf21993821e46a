"""How much there is to compile, as far as it takes following what builds it."""

import pytest
from tests.unit.source.test_counts import counted, tree_of

from wheelbase.source.analysis import analyse
from wheelbase.source.archive import purity_of

BY_CMAKE = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
BY_MESON = '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
BY_SIP = '[build-system]\nrequires = ["sip", "PyQt-builder"]\nbuild-backend = "sipbuild.api"\n'
BY_MYPYC = '[build-system]\nrequires = ["setuptools", "mypy[mypyc]"]\n'
FILES = {"a.c": ";", "b.c": ";", "lib/c.c": ";"}


def built(files: dict[str, str]) -> dict[str, float]:
    """Return the counts after all that decides was followed."""
    return dict(analyse(tree_of(files)).counts)


def by_cmake(text: str, **files: str) -> dict[str, float]:
    start = "project(x C CXX)\n"
    return built({"pyproject.toml": BY_CMAKE, "CMakeLists.txt": start + text, **FILES, **files})


def by_meson(text: str) -> dict[str, float]:
    return built({"pyproject.toml": BY_MESON, "meson.build": f"project('x', 'c')\n{text}", **FILES})


def test_what_two_targets_of_cmake_are_made_of_is_compiled_twice() -> None:
    text = "set(BOTH lib/c.c)\nadd_library(one STATIC a.c ${BOTH})\nPython_add_library(two MODULE b.c ${BOTH})\n"
    assert by_cmake(text)["c_files"] == 4
    assert by_cmake("add_library(one lib/c.c)\ntarget_sources(one PRIVATE a.c b.c)\n")["c_files"] == 3


@pytest.mark.parametrize(
    "text",
    [
        "add_library(one STATIC EXCLUDE_FROM_ALL lib/c.c)\nPython_add_library(two a.c b.c lib/c.c)\n",
        "if(SOMETHING)\nadd_library(one lib/c.c)\nendif()\nPython_add_library(two a.c b.c lib/c.c)\n",
        "add_subdirectory(lib EXCLUDE_FROM_ALL)\nPython_add_library(two a.c b.c lib/c.c)\n",
    ],
)
def test_targets_that_are_not_always_built_do_not_count(text: str) -> None:
    files = {"lib/CMakeLists.txt": "add_library(one c.c)\nadd_library(other SHARED c.c)\n"}
    assert by_cmake(text, **files)["c_files"] == 3


def test_what_two_targets_of_meson_are_made_of_is_compiled_twice() -> None:
    text = "both = files('lib/c.c')\nstatic_library('one', 'a.c', both)\n"
    module = "py = import('python').find_installation()\npy.extension_module('two', 'b.c', sources: both)\n"
    assert by_meson(text + module)["c_files"] == 4
    assert by_meson(f"{text}executable('two', 'b.c', both, build_by_default: false)\n")["c_files"] == 3
    assert by_meson(f"{text}if get_option('x')\nexecutable('two', 'b.c', both)\nendif\n")["c_files"] == 2


def test_sources_that_a_project_does_not_name_are_not_compiled() -> None:
    assert by_cmake("add_library(one a.c lib/c.c)  # not b\n")["c_files"] == 2
    assert by_cmake("make_it(${from_somewhere})\n")["c_files"] == 3  # it is not seen how


def test_fortran_that_meson_does_not_name_where_it_names_others_is_not_compiled() -> None:
    fortran = {f"lapack/{name}.f": "call x\n" for name in ("a", "b", "c", "d", "made")} | {"other/e.f": "call x\n"}

    def files(named: str) -> float:
        text = f"project('x', 'fortran')\nnames = ['made']\nsources = files({named})\n"
        return built({"pyproject.toml": BY_MESON, "meson.build": text, **fortran})["fortran_files"]

    assert files("'lapack/a.f', 'lapack/b.f', 'lapack/c.f'") == 5  # all but d.f
    assert files("'lapack/a.f'") == 6


@pytest.mark.parametrize("suffix", ["f", "f77", "f90", "f95", "f03", "f08", "for"])
def test_fortran_of_any_age_is_no_pure_python(suffix: str) -> None:
    tree = tree_of({"setup.py": "setup()", f"a/b.{suffix}": "call x\n"})
    assert purity_of(tree) is False
    assert counted({f"b.{suffix}": "call x\n"})["fortran_files"] == 1


def test_c_in_what_a_meson_project_in_other_languages_has_copied_is_not_compiled() -> None:
    text = "project('x', 'fortran', 'c')\nfiles('a.f')\n"
    files = {"pyproject.toml": BY_MESON, "meson.build": text, "a.f": "call x\n", "copy/b.c": ";"}
    assert "c_files" not in built(files)
    for made in ("files('copy/b.c')\n", "foreach m : ['b']\npy.extension_module(m, 'copy/' + m + '.c')\nendforeach\n"):
        assert built({**files, "meson.build": text + made})["c_files"] == 1
    unseen = built({**files, "meson.build": "project('x', 'c')\npy.extension_module('m', run_command('list'))\n"})
    assert unseen["c_files"] == 1


def test_of_a_copy_of_boost_little_is_used() -> None:
    header = {"vendor/boost/x.hpp": "template <class T> T f();\n" * 100, "a.cpp": "#include <boost/x.hpp>"}
    assert not {"templates", "cpp_alone", "cpp_headers"} & counted(header).keys()


def test_one_of_the_conditions_holds_that_all_stand_on() -> None:
    one, other = "add_library(a a.c b.c)\n", "add_library(a lib/c.c)\n"
    assert by_cmake(f"find_package(X)\nif(X_FOUND)\n{one}else()\n{other}endif()\n")["c_files"] == 3
    assert by_cmake(f"{one}find_package(X)\nif(X_FOUND)\n{other}endif()\n")["c_files"] == 2


def test_a_project_whose_sources_are_made_by_the_build() -> None:
    text = "add_custom_command(OUTPUT x.c COMMAND made)\nPython_add_library(x MODULE x.c)\n"
    assert built({"pyproject.toml": BY_CMAKE, "CMakeLists.txt": f"project(x C)\n{text}"}) == {"cmake": 1}


def test_headers_that_one_source_alone_includes() -> None:
    files = {"a.cpp": '#include "one.hpp"\n#include "both.hpp"', "b.cpp": '#include "both.hpp"', "both.hpp": ";"}
    found = counted(files | {"one.hpp": ";;"})
    assert (found["cpp_alone"], found["cpp_headers"]) == (0.002, 0.002)


def test_bindings_of_what_is_written_and_what_it_includes() -> None:
    source = (
        '#include <pybind11/pybind11.h>\n#include "x.h"\nPYBIND11_MODULE(a, m) { m.def("f", f).def_static("g", g); }'
    )
    found = counted({"a.cpp": source, "b.cpp": 'x.def("f");', "x.h": "m.def_readwrite(1)"})
    assert (found["bindings"], found["heavy_cpp_files"]) == (0.03, 1)


def test_a_copy_of_a_library_of_templates_is_heavy_and_its_headers_do_not_count_again() -> None:
    files = {"a.cpp": '#include "Eigen/Core"', "include/Eigen/Core": ";" * 100}
    found = counted(files | {"eigen/blas/y.f": "call y\n", "lib/eigen-3.4/failtest/z.cpp": '#include "Eigen/Core"'})
    assert (found["heavy_cpp_files"], found["eigen"], "cpp_alone" in found) == (1, 1, False)
    assert "fortran_files" not in found


def test_templates_and_what_is_inlined_count_once_however_many_files_include_them() -> None:
    header = "template <class T> T f();\n" * 100 + "FORCE_INLINE int g();\n" * 100
    one = counted({"a.cpp": '#include "x.h"', "x.h": header})
    two = counted({"a.cpp": '#include "x.h"', "b.cpp": '#include "x.h"', "x.h": header})
    assert one["templates"] == two["templates"] == one["inlined"] == two["inlined"] == 1


def test_files_with_cgal() -> None:
    files = {"setup.py": "Extension('a', ['a.cpp', 'b.cpp', 'c.cpp'])", "c.cpp": "int c();\n"}
    files |= {"a.cpp": '#include "a.h"\n', "a.h": "#include <CGAL/Mesh.h>\n", "b.cpp": "#include <CGAL/Mesh.h>"}
    assert counted(files)["cgal"] == pytest.approx(2**0.5)


def test_of_more_templates_and_files_with_eigen_each_counts_less() -> None:
    found = counted({f"{name}.cpp": "#include <Eigen/Core>\n" + "template <class T> T f();" * 100 for name in "abcd"})
    assert found["templates"] == pytest.approx(4**0.7)
    assert (found["eigen"], found["heavy_cpp_files"]) == (2, 4)


def test_functions_that_are_written_out_where_they_are_called() -> None:
    found = counted({"a.c": "#define FORCE_INLINE __attribute__((always_inline))\nFORCE_INLINE int f(void);"})
    assert found["inlined"] == 0.03


@pytest.mark.parametrize("line", ["$(CC) -c b.o\n", "$(OBJDIR)/b.o: \n", "SOURCES := $(wildcard *.c)\n"])
@pytest.mark.parametrize(
    "run", ["run(['make', '-C', 'lib'])", "system('cd lib && make')", "system('X=1 sh ./make.sh')"]
)
def test_sources_that_a_makefile_compiles(line: str, run: str) -> None:
    files = {"setup.py": f"Extension('a', ['a.c']); {run}", "a.c": ";", "lib/b.c": ";", "old/c.c": ";"}
    assert counted(files | {"lib/makefile": line})["c_files"] == 2
    assert counted(files | {"lib/Makefile": line, "setup.py": "Extension('a', ['a.c'])  # make"})["c_files"] == 1


def test_python_that_cython_is_given() -> None:
    script = "from setuptools import Extension, setup\nsetup(ext_modules=cythonize([Extension('m.a', ['m/a.py'])]))"
    project = '[build-system]\nrequires = ["setuptools", "cython"]\n'
    files = {"pyproject.toml": project, "m/a.py": "import os", "m/b.py": "import os", "m/c.pyx": "x"}
    assert built(files)["cython_modules"] == 1
    assert built(files | {"setup.py": script})["cython_modules"] == 2


def test_python_that_mypyc_compiles() -> None:
    script = "from setuptools import setup\nfrom mypyc.build import mypycify\nsetup(ext_modules=mypycify({}))\n"
    files = {"pyproject.toml": BY_MYPYC, "m/a.py": "x" * 1000, "m/b.py": "x" * 1000}
    assert built(files | {"setup.py": script.format(["m/a.py"])}) == {"mypyc": 1, "mypyc_mb": 0.001}
    assert built(files | {"setup.py": script.format("globbed")})["mypyc_mb"] == 0.002
    tree = tree_of(files | {"setup.py": script.format(["m/a.py"])})
    assert purity_of(tree) is False
    assert [(one.kind, one.name, one.where) for one in analyse(tree).evidence if one.name == "c"] == [
        ("language", "c", "setup.py:3")
    ]
    assert purity_of(tree_of(files | {"setup.py": "setup()"}))


def test_classes_of_sip() -> None:
    files = {"pyproject.toml": BY_SIP, "a.cpp": "#include <QWidget>\n;", "sip/a.sip": "class A { };\n  class B { };\n"}
    found = counted(files)
    assert (found["sip_classes"], found["heavy_cpp_files"]) == (2, 1)


def test_numpy_distutils_tries_the_compiler() -> None:
    files = {"setup.py": "from numpy.distutils.core import setup", "a.c": ";"}
    assert counted(files)["numpy_distutils"] == 1
    assert "numpy_distutils" not in counted(files | {"pyproject.toml": BY_MESON})


def test_meson_that_a_script_runs() -> None:
    assert counted({"setup.py": "run(['meson', 'setup', 'x'])", "a.f90": "call x"})["meson"] == 1


def test_python_whose_types_stand_beside_it_is_compiled() -> None:
    files = {"pyproject.toml": '[build-system]\nrequires = ["poetry-core", "Cython"]\n', "m/a.py": "", "m/b.py": ""}
    tree = tree_of(files | {"m/a.pxd": "cdef int x"})
    assert (purity_of(tree), analyse(tree).counts["cython_modules"]) == (False, 1)
    assert purity_of(tree_of(files | {"m/__init__.py": "", "m/__init__.pxd": ""}))


def test_an_extension_made_of_python_needs_a_compiler() -> None:
    script = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('m.a', ['m/a.py'])])\n"
    project = '[build-system]\nrequires = ["setuptools", "Cython"]\n'
    found = analyse(tree_of({"pyproject.toml": project, "setup.py": script, "m/a.py": "", "m/a.pxd": ""})).evidence
    assert ("language", "cython", "setup.py:2") in {(one.kind, one.name, one.where) for one in found}


def test_a_library_that_is_one_header_becomes_code_where_it_is_asked_for() -> None:
    header = "#ifdef X_IMPLEMENTATION\n;;;\n#endif"
    files = {"a.c": '#define X_IMPLEMENTATION\n#include "x.h"', "b.c": '#include "x.h"', "x.h": header}
    assert counted(files) == {"c_code": 0.003, "c_files": 2, "c_headers": 0.003}
    script = "ffi.set_source('a', '''\n#define X_IMPLEMENTATION\n#include \"x.h\"\n''')"
    project = '[build-system]\nrequires = ["cffi"]'
    found = counted({"pyproject.toml": project, "build.py": script, "x.h": header})
    assert found == {"c_code": 0.003, "cffi_modules": 1}


def test_declarations_that_a_script_reads_for_cffi() -> None:
    script = "ffi.cdef(open('lib/all.cdef.h').read())\nffi.set_source('a', '#include \"lib/other.h\"')"
    project = '[build-system]\nrequires = ["cffi"]'
    files = {"pyproject.toml": project, "build.py": script, "lib/all.cdef.h": ";;", "lib/other.h": ";" * 50}
    assert counted(files) == {"cffi_modules": 1, "cffi_code": 0.002}


def test_headers_of_a_processors_own_instructions() -> None:
    files = {"a.c": '#include "x.h"', "b.c": "#include <stdio.h>", "x.h": "#include <immintrin.h>"}
    assert counted(files | {"c.cpp": "#include <x86intrin.h>"})["intrinsics_files"] == 2


def test_standard_headers_since_cpp20() -> None:
    files = {"a.cpp": "#include <vector>\n#include <map>\ntemplate <class T> int f(T);"}
    assert counted(files | {"setup.py": "args = ['-std=c++20']"})["std_in_cpp20"] == 2
    assert counted(files | {"CMakeLists.txt": "target_compile_features(a PUBLIC cxx_std_23)"})["std_in_cpp20"] == 2
    found = counted(files | {"setup.py": "args = ['-std=c++17']", "extern/x/CMakeLists.txt": "cxx_std_20"})
    assert (found["std_headers"], "std_in_cpp20" in found) == (2, False)
    assert found["templates"] == pytest.approx(0.01**0.7, abs=1e-6)


def test_what_cython_includes_in_cpp() -> None:
    externs = 'cdef extern from "x.hpp":\n    int f()\ncdef extern from "<Eigen/Dense>":\n    pass\n'
    module = f"# distutils: language = c++\n{externs}"
    found = counted({"m/a.pyx": module, "m/x.hpp": "#include <vector>\ntemplate <class T> T f();"})
    assert found.items() >= {"cpp_alone": 0.001, "std_headers": 2, "eigen": 1}.items()
    assert found["templates"] == pytest.approx(0.01**0.7, abs=1e-6)
    assert "cpp_files" not in found
    assert "cpp_alone" not in counted({"m/a.pyx": module.replace("c++", "c"), "m/x.hpp": ";"})


def test_what_lies_beside_what_a_project_names_and_is_not_named_is_left_alone() -> None:
    files = {f"lib/{name}.test.c": ";" for name in "abcdefgh"}
    text = (
        'file(GLOB ALL "lib/*.c")\nlist(FILTER ALL EXCLUDE REGEX "\\\\.test\\\\.c$")\nadd_library(one a.c b.c ${ALL})\n'
    )
    assert by_cmake(text, **files)["c_files"] == 3


def test_what_lies_elsewhere_is_left_alone_however_much_there_is() -> None:
    others = {f"lib/of/many/{name}.c": ";" for name in "abcdefgh"}
    assert by_cmake("add_library(one a.c lib/c.c)\n", **others)["c_files"] == 2
    assert by_cmake("make_it(${from_somewhere})\n", **others)["c_files"] == 11


def test_sources_for_other_machines_unless_they_are_named() -> None:
    others = {f"lib/x{end}.c": ";" for end in ("_neon", "-armv8", "_rvv", "_arm64_asm", "_riscv", "/wasm/y")}
    assert counted({"a.c": ";", "forearm.c": ";"} | others)["c_files"] == 2
    script = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('x', ['a.c', 'lib/x_neon.c'])])"
    assert built({"setup.py": script, "a.c": ";"} | others)["c_files"] == 2


def test_sources_whose_names_a_script_puts_together() -> None:
    script = (
        "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension(f'x._{kind}', ['x/_%s_tree.c' % kind]) for kind in ('IO', 'OO')])"
    )
    files = {"x/_IO_tree.c": '#include "part.c"', "x/_OO_tree.c": '#include "part.c"', "x/part.c": ";" * 10}
    assert built({"setup.py": script} | files) == {"c_code": 0.02, "c_files": 2}


def test_tables_of_code_that_are_included_are_code() -> None:
    assert counted({"a.c": '#include "x.inc"', "x.inc": ";" * 10}) == {"c_code": 0.01, "c_files": 1}


@pytest.mark.parametrize("adds", ["{}.append('b.c')", "{}.extend(['b.c'])", "{} += ['b.c']"])
@pytest.mark.parametrize("inner", [False, True])
def test_sources_that_a_command_adds_to_its_extensions(adds: str, inner: bool) -> None:
    one = adds.format("ext.sources")
    script = (
        "from setuptools import Extension, setup\nfrom setuptools.command.build_ext import build_ext\n"
        f"class Builder(build_ext):\n    def build_extension(self, ext):\n"
        f"        {'self.more(ext)' if inner else one}\n"
        "        build_ext.build_extension(self, ext)\n"
    )
    script += f"    def more(self, ext):\n        {one}\n" if inner else ""
    script += "setup(ext_modules=[Extension('x', ['a.c'])], cmdclass={'build_ext': Builder})\n"
    assert built({"setup.py": script, **FILES})["c_files"] == 2


@pytest.mark.parametrize(
    "made", ["Extension.__init__(self, name, ", "super().__init__(name, ", "super(Own, self).__init__(name, sources="]
)
def test_an_extension_of_a_class_of_its_own(made: str) -> None:
    script = (
        "from setuptools import Extension, setup\nclass Own(Extension):\n"
        f"    def __init__(self, name):\n        {made}['a.c', 'b.c'])\n"
        "class Of(Own):\n    pass\n"
    )
    for kind in ("Own", "Of"):
        assert built({"setup.py": f"{script}setup(ext_modules=[{kind}('x')])\n", **FILES})["c_files"] == 2
