"""What CMake's build files look for on Linux."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.source.test_counts import tree_of

from wheelbase.source.analysis import analyse
from wheelbase.source.cmake import find_in_cmake
from wheelbase.source.cmake_arguments import parsed_arguments
from wheelbase.source.cmake_generated import generated
from wheelbase.source.cmake_reader import Argument, commands_of
from wheelbase.source.conditions import ANY
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.macros import defined
from wheelbase.source.tree import SourceTree

PYPROJECT = "[build-system]\nrequires = ['scikit-build-core', 'pybind11']\nbuild-backend = 'scikit_build_core.build'\n"


def found(text: str, pyproject: str = PYPROJECT, others: dict[str, str] | None = None) -> list[Evidence | Flag]:
    texts = {"pyproject.toml": pyproject, "CMakeLists.txt": text, **(others or {})}
    contents = {path: one.encode("utf-8", "replace") for path, one in texts.items()}
    return list(find_in_cmake(SourceTree({path: len(data) for path, data in contents.items()}, contents)))


def evidence(text: str, pyproject: str = PYPROJECT, others: dict[str, str] | None = None) -> dict[str, Evidence]:
    return {one.name: one for one in found(text, pyproject, others) if isinstance(one, Evidence)}


def needs(text: str, pyproject: str = PYPROJECT, others: dict[str, str] | None = None) -> dict[str, str]:
    return {name: one.need for name, one in evidence(text, pyproject, others).items()}


def flags(text: str, pyproject: str = PYPROJECT, others: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in found(text, pyproject, others) if isinstance(one, Flag)]


def test_commands() -> None:
    text = """# a comment (
#[[ of
several lines ]] Set(X "a \\" ;b" [=[ ${raw}
]] ]=] plain;list ( nested ) )  # end
other()"""
    commands = commands_of(text)
    assert [(one.name, one.line) for one in commands] == [("set", 3), ("other", 5)]
    assert commands[0].arguments == (
        Argument("X"),
        Argument('a \\" ;b', True),
        Argument(" ${raw}\n]] ", True, True),
        Argument("plain"),
        Argument("list"),
        Argument("(", literal=True),
        Argument("nested"),
        Argument(")", literal=True),
    )


def test_languages_and_a_package() -> None:
    assert found("project(x LANGUAGES CXX Fortran)\nfind_package(ZLIB 1.2 REQUIRED)\n") == [
        Evidence(kind="language", name="c++", where="CMakeLists.txt:1", weight=0.95),
        Evidence(kind="language", name="fortran", where="CMakeLists.txt:1", weight=0.95),
        Evidence(kind="cmake", name="ZLIB", where="CMakeLists.txt:2", weight=0.95),
        Flag(kind="version", text="ZLIB >= 1.2", where="CMakeLists.txt:2"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("project(x)", {"c": "required", "c++": "required"}),
        ("project(x VERSION 1.0 LANGUAGES NONE)", {}),
        ("project(x C)\nenable_language(CUDA OPTIONAL)", {"c": "required", "cuda": "optional"}),
        ("find_package(A)", {"A": "optional"}),
        ("find_package(A CONFIG QUIET)", {"A": "optional"}),
        ("find_package(Python REQUIRED)\nfind_package(pybind11 REQUIRED)\nfind_package(Threads REQUIRED)", {}),
        ("find_package(OpenMP)\nfind_package(Git)\nfind_package(GTest)", {}),
        (
            "pkg_check_modules(A REQUIRED IMPORTED_TARGET a>=1 b-2.0)",
            {"pkg-config": "required", "a": "required", "b-2.0": "required"},
        ),
        ("pkg_search_module(A a b)", {"pkg-config": "optional", "a": "optional"}),
        ("find_library(A NAMES liba a HINTS /x/y)", {"a": "optional"}),
        ("find_library(A a REQUIRED)", {"a": "required"}),
        ("find_library(M m)", {}),
        ("find_path(A NAMES a/b.h PATHS /usr)", {"a/b.h": "optional"}),
        ("find_program(A swig REQUIRED)\nfind_program(P python3)", {"swig": "required"}),
        ("find_package(PkgConfig REQUIRED)", {"pkg-config": "required"}),
        ("find_package(BLAS REQUIRED)\nfind_package(MPI)", {"interface/blas": "required", "interface/mpi": "optional"}),
        (
            "find_package(Boost REQUIRED COMPONENTS system filesystem)",
            {"boost_system": "required", "boost_filesystem": "required"},
        ),
        ("find_package(Boost REQUIRED COMPONENTS python3 python${V})", {"boost_python": "required"}),
        ("find_package(Boost REQUIRED)", {"boost/version.hpp": "required"}),
        ("find_package(nanobind REQUIRED)", {"nanobind": "required"}),
        ("execute_process(COMMAND gperf x.gperf)", {"gperf": "required"}),
        (
            "execute_process(COMMAND gperf x COMMAND tool WORKING_DIRECTORY y)",
            {"gperf": "required", "tool": "required"},
        ),
        ("execute_process(COMMAND gperf x OUTPUT_VARIABLE o)\nexecute_process(COMMAND cat x)", {}),
        ("execute_process(COMMAND gperf OUTPUT_VARIABLE o COMMAND_ERROR_IS_FATAL ANY)", {"gperf": "required"}),
        ("if(X)\nexecute_process(COMMAND gperf x)\nendif()", {"gperf": "optional"}),
        ("add_executable(own o.c)\nadd_custom_command(OUTPUT y COMMAND own COMMAND bison y.y)", {"bison": "required"}),
        (
            "foreach(name a b-2)\npkg_check_modules(X REQUIRED ${name})\nendforeach()",
            {"pkg-config": "required", "a": "required", "b-2": "required"},
        ),
        (
            "add_library(own own.c)\ntarget_link_libraries(x PRIVATE own foo -lbar Foo::Foo m /usr/lib/z.a)",
            {"foo": "required", "bar": "required"},
        ),
        ("if(X)\ntarget_link_libraries(x foo)\nendif()", {"foo": "optional"}),
        ("find_library(FOO foo REQUIRED)\ntarget_link_libraries(x ${FOO})", {"foo": "required"}),
        ("add_executable(x EXCLUDE_FROM_ALL x.c)\ntarget_link_libraries(x foo)", {"foo": "optional"}),
        ("add_library(${UNKNOWN} x.c)\ntarget_link_libraries(x foo)", {"foo": "optional"}),
        ("link_directories(lib)\ntarget_link_libraries(x foo)", {"foo": "optional"}),
        ("add_subdirectory(not_here)\ntarget_link_libraries(x foo)", {"foo": "optional"}),
    ],
)
def test_commands_that_look(text: str, expected: dict[str, str]) -> None:
    assert needs(text) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("WIN32", None),
        ("NOT WIN32", "required"),
        ("UNIX AND NOT APPLE", "required"),
        ("MSVC OR APPLE", None),
        ("CMAKE_SYSTEM_NAME STREQUAL Linux", "required"),
        ('"${CMAKE_SYSTEM_NAME}" STREQUAL "Darwin"', None),
        ('CMAKE_SYSTEM_NAME MATCHES "Linux|FreeBSD"', "required"),
        ('CMAKE_SYSTEM_NAME MATCHES "^(Darwin|Windows)$"', None),
        ('CMAKE_SYSTEM_NAME MATCHES "(a+)+$"', "optional"),
        ("CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64", "optional"),
        ("WHATEVER", "optional"),
        ("WHATEVER AND WIN32", None),
        ("WHATEVER OR UNIX", "required"),
        ("NOT (WIN32 OR (APPLE AND WHATEVER))", "required"),
        ("ON", "required"),
        ("WITH_ON", "required"),
        ("WITH_OFF", None),
        ("NOT WITH_OFF AND WITH_ON", "required"),
        ("SET_VALUE STREQUAL a", "required"),
        ('"${SET_VALUE}" STREQUAL "b"', None),
        ("DEFINED SET_VALUE", "required"),
        ("DEFINED NEVER_SET", None),
        ("DEFINED ENV{X}", None),
        ("DEFINED ENV{HOME}", "optional"),
        ('"$ENV{X}" STREQUAL ""', "required"),
        ("DEFINED NEVER_SET_DIR", None),
        ("DEFINED NEVER_SET_FOUND", "optional"),
        ("CMAKE_VERSION VERSION_LESS 3.18", None),
        ("2.10.0 VERSION_GREATER_EQUAL 2.9", "required"),
        ("POLICY CMP0077", "required"),
        ("EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt", "required"),
        ("EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/not/there", None),
        ("TARGET unknown", "optional"),
        ("TARGET own", "required"),
        ("SKBUILD", "required"),
        ("SKBUILD_PROJECT_NAME", "required"),
        ("SKBUILD_PROJECT_NAME STREQUAL project", "required"),
        ("SKBUILD_STATE STREQUAL sdist", None),
    ],
)
def test_conditions(condition: str, expected: str | None) -> None:
    before = 'option(WITH_ON "" ON)\noption(WITH_OFF "")\nset(SET_VALUE a)\nadd_library(own own.c)\n'
    text = f"{before}if({condition})\n  find_package(A REQUIRED)\nelse()\n  find_package(B REQUIRED)\nendif()\n"
    opposite = {"required": None, None: "required", "optional": "optional"}[expected]
    assert (needs(text).get("A"), needs(text).get("B")) == (expected, opposite)


def test_settings_of_pyproject() -> None:
    settings = PYPROJECT + "[tool.scikit-build.cmake.define]\nWITH_A = true\nWITH_B = 'OFF'\n"
    text = (
        'option(WITH_A "" OFF)\noption(WITH_B "" ON)\nset(WITH_B ON CACHE BOOL "")\n'
        "if(WITH_A)\nfind_package(A REQUIRED)\nendif()\nif(WITH_B)\nfind_package(B REQUIRED)\nendif()\n"
    )
    assert needs(text, settings) == {"A": "required"}
    assert needs(text) == {"B": "required"}


def test_the_condition_is_kept_as_written() -> None:
    assert evidence("if(A AND  B)\nfind_package(Z)\nendif()")["Z"].condition == "if(A AND B)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find_package(A)\nif(NOT A_FOUND)\nmessage(FATAL_ERROR no)\nendif()", {"A": "required"}),
        ("find_library(A_LIB a)\nif(NOT A_LIB)\nmessage(FATAL_ERROR no)\nendif()", {"a": "required"}),
        ("find_package(A)\nif(A_FOUND)\nset(X 1)\nelse()\nmessage(FATAL_ERROR no)\nendif()", {"A": "required"}),
        (
            "find_package(A)\nfind_package(B)\nif(NOT A_FOUND AND NOT B_FOUND)\nmessage(FATAL_ERROR)\nendif()",
            {"A": "required", "B": "optional"},
        ),
        (
            "find_package(A)\nfind_package(B)\nif(NOT A_FOUND OR NOT B_FOUND)\nmessage(FATAL_ERROR)\nendif()",
            {"A": "required", "B": "required"},
        ),
        ("find_package(A)\nif(NOT A_FOUND)\nfind_package(B REQUIRED)\nendif()", {"A": "required", "B": "optional"}),
        ("find_package(A)\nif(NOT A_FOUND)\nmessage(WARNING no)\nendif()", {"A": "optional"}),
        ("find_package(A REQUIRED)\nif(NOT A_FOUND)\nfind_package(B)\nendif()", {"A": "required"}),
    ],
)
def test_alternatives(text: str, expected: dict[str, str]) -> None:
    assert needs(text) == expected


@pytest.mark.parametrize(
    ("default", "depends", "expected"),
    [
        ("ON", "UNIX;NOT APPLE", {"A": "required"}),
        ("OFF", "UNIX;NOT APPLE", {}),
        ("ON", "WIN32", {}),
        ("ON", "UNIX;NOT UNIX", {}),
        ("ON", "SOMETHING", {"A": "optional"}),
    ],
)
def test_options_that_depend_on_others(default: str, depends: str, expected: dict[str, str]) -> None:
    text = f'cmake_dependent_option(O "Doc" {default} "{depends}" OFF)\nif(O)\nfind_package(A REQUIRED)\nendif()'
    assert needs(text) == expected


def test_an_option_that_is_on_where_others_are_off() -> None:
    text = 'cmake_dependent_option(O "Doc" OFF "WIN32" ON)\nif(O)\nfind_package(A REQUIRED)\nendif()'
    assert needs(text) == {"A": "required"}


def test_a_dependent_option_that_is_set_before() -> None:
    text = 'set(O OFF)\ncmake_dependent_option(O "Doc" ON "UNIX" OFF)\nif(O)\nfind_package(A REQUIRED)\nendif()'
    assert needs(text) == {}


def test_other_libraries_of_x11_that_a_project_insists_on() -> None:
    text = (
        "find_package(X11 REQUIRED)\n"
        "if(NOT X11_Xrandr_INCLUDE_PATH)\nmessage(FATAL_ERROR no)\nendif()\n"
        "if(X11_Xss_FOUND)\nset(USES 1)\nendif()\n"
        "if(X11_Unknown_FOUND)\nset(USES 1)\nendif()\n"
    )
    assert needs(text) == {"X11": "required", "xrandr": "required", "xscrnsaver": "optional"}
    assert needs(text.partition("\n")[2]) == {}
    sub = "if(NOT X11_Xi_LIB)\nmessage(FATAL_ERROR no)\nendif()"
    found = evidence("find_package(X11)\nadd_subdirectory(sub)", others={"sub/CMakeLists.txt": sub})
    assert (found["xi"].need, found["xi"].where) == ("required", "CMakeLists.txt:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find_package(A)\ntarget_link_libraries(x PRIVATE A::a)", "required"),
        ("pkg_check_modules(P IMPORTED_TARGET A)\ntarget_link_libraries(x PkgConfig::P)", "required"),
        ("find_library(L A)\ntarget_link_libraries(x ${L})", "required"),
        ("find_path(L A.h)\ninclude_directories(${L})", "required"),
        ("find_path(L A.h)\ntarget_include_directories(x PUBLIC ${L})", "required"),
        ("find_package(A)\ntarget_link_libraries(x ${A_LIBRARIES})", "optional"),  # which may be empty
        ("find_package(A)\nif(A_FOUND)\ntarget_link_libraries(x A::a)\nendif()", "optional"),
        ("if(WITH)\nfind_package(A)\nendif()\ntarget_link_libraries(x A::a)", "optional"),
        ("find_library(L A)\nif(NOT L)\nset(L own)\nendif()\ntarget_link_libraries(x ${L})", "optional"),
        (
            "find_package(A)\nif(NOT A_FOUND)\nadd_subdirectory(extern/a)\nendif()\ntarget_link_libraries(x A::a)",
            "optional",
        ),
    ],
)
def test_what_is_used_in_any_case_is_required(text: str, expected: str) -> None:
    told = needs(text)
    assert told.get("A", told.get("A.h")) == expected


def test_scikit_build_brings_no_cmake() -> None:
    assert "cmake" not in needs("")
    setup = {"setup.py": "from skbuild import setup\nsetup(cmake_source_dir='x')"}
    assert needs("", "[build-system]\nrequires = ['scikit-build']\n", setup) == {"cmake": "required"}


def test_loops_functions_and_lists() -> None:
    text = """set(NAMES A)
list(APPEND NAMES B)
foreach(name IN LISTS NAMES)
  find_package(${name} REQUIRED)
endforeach()
function(need name)
  find_package(${name} REQUIRED)
  find_package(${ARGN})
endfunction()
need(C D)
foreach(name ${FROM_ELSEWHERE})
  find_package(E REQUIRED)
endforeach()
"""
    assert needs(text) == {"A": "required", "B": "required", "C": "required", "D": "optional", "E": "optional"}


def test_files_that_are_followed() -> None:
    others = {
        "src/CMakeLists.txt": "find_package(A REQUIRED)\nset(LEAKS 1)",
        "third_party/z/CMakeLists.txt": "find_package(B REQUIRED)",
        "cmake/Own.cmake": "find_package(C REQUIRED)",
        "cmake/FindD.cmake": "find_library(D_LIB d REQUIRED)",
        "not/CMakeLists.txt": "find_package(E REQUIRED)",
    }
    text = "add_subdirectory(src)\nadd_subdirectory(third_party/z)\ninclude(Own)\n"
    text += "include(cmake/Own.cmake)\nfind_package(D REQUIRED)\n"
    listed = evidence(text + "if(LEAKS)\nfind_package(F REQUIRED)\nendif()", others=others)
    assert {name: (one.need, one.weight) for name, one in listed.items()} == {
        "A": ("required", 0.9),
        "B": ("required", 0.9),
        "C": ("required", 0.9),
        "D": ("required", 0.95),
        "d": ("optional", 0.6),
        "F": ("optional", 0.6),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "FetchContent_Declare(a URL https://example.org/a.tar.gz)",
            ["a is downloaded from https://example.org/a.tar.gz"],
        ),
        (
            "set(U https://e.org)\nFetchContent_Declare(a GIT_REPOSITORY ${U}/a)",
            ["a is downloaded from https://e.org/a"],
        ),
        ("if(X)\nExternalProject_Add(a GIT_REPOSITORY ${UNKNOWN})\nendif()", ["a may be downloaded"]),
        ("FetchContent_Declare(a SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/a)", []),
        ("FetchContent_Declare(a URL ${CMAKE_CURRENT_SOURCE_DIR}/a.tar.gz)", []),
        ("if(WIN32)\nFetchContent_Declare(a URL https://example.org/a)\nendif()", []),
        ('CPMAddPackage("gh:a/b#1")', ["gh:a/b#1 is downloaded"]),
        ("file(DOWNLOAD https://e.org/x x)", ["https://e.org/x is downloaded"]),
        ("execute_process(COMMAND git submodule update --init)", ["something is downloaded"]),
    ],
)
def test_downloads(text: str, expected: list[str]) -> None:
    assert flags(text) == [("download", one) for one in expected]


@pytest.mark.parametrize(
    "path",
    [
        'get_filename_component(ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)',
        "get_filename_component(ROOT ${CMAKE_CURRENT_SOURCE_DIR} DIRECTORY)",
        "get_filename_component(ROOT ../. REALPATH)",
    ],
)
def test_folders_by_parts_of_paths(path: str) -> None:
    text = f'{path}\nget_filename_component(N a/linux NAME)\nadd_subdirectory("${{ROOT}}/${{N}}" l)'
    others = {"d/z/src/CMakeLists.txt": text, "d/z/linux/CMakeLists.txt": "pkg_check_modules(U REQUIRED libudev)"}
    assert needs("add_subdirectory(d/z/src)", others=others)["libudev"] == "required"
    assert "libudev" not in needs(f"{path}\nadd_subdirectory(${{ROOT}}/linux)", others=others)


def test_dependencies_by_the_macros_of_robotics() -> None:
    text = "add_project_dependency(Boost REQUIRED serialization)\nadd_project_private_dependency(assimp)\n"
    assert needs(text) == {"boost_serialization": "required", "assimp": "optional"}
    own = "macro(add_project_dependency name)\nfind_package(${name})\nendmacro()\n"
    assert needs(f"{own}add_project_dependency(A REQUIRED)") == {"A": "optional"}


def test_what_is_fetched_into_a_folder_that_is_there_already() -> None:
    text = "FetchContent_Declare(a URL https://e.org/a SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/own/a)"
    assert flags(text, others={"own/a/CMakeLists.txt": ""}) == []
    assert flags(text, others={"own/ab/CMakeLists.txt": ""}) == [("download", "a is downloaded from https://e.org/a")]


def test_a_copy_that_stands_outside_the_project() -> None:
    project = PYPROJECT + "[tool.scikit-build]\ncmake.source-dir = 'python'\n"
    text = "project(x)\nfind_package(A)\nif(NOT A_FOUND)\nadd_subdirectory(${PROJECT_SOURCE_DIR}/.. a)\nendif()\n"
    assert evidence("project(a)", project, {"python/CMakeLists.txt": text})["A"].bundled


def test_a_target_that_nothing_makes_is_not_there() -> None:
    text = "if(NOT TARGET A::core)\nfind_package(A REQUIRED)\nendif()\n"
    assert needs(text) == {"A": "required"}
    assert needs(f"FetchContent_Declare(b URL https://example.org/b)\n{text}") == {"A": "optional"}


def test_what_is_bundled() -> None:
    text = "find_package(A)\nif(NOT A_FOUND)\nadd_subdirectory(extern/a)\nendif()\n"
    assert (evidence(text)["A"].need, evidence(text)["A"].bundled) == ("optional", True)
    assert evidence("FetchContent_Declare(A URL https://example.org/a FIND_PACKAGE_ARGS)")["A"].bundled
    text = "find_package(A)\nif(NOT TARGET A::core)\nadd_subdirectory(extern/a)\nendif()\n"
    assert evidence(f"{text}target_link_libraries(x A::core)\n")["A"].bundled
    text = "FetchContent_Declare(libA URL https://example.org/a)\ntarget_link_libraries(x a b)"
    assert {name: one.bundled for name, one in evidence(text).items()} == {"a": True, "b": False}


@pytest.mark.parametrize(
    "fetch",
    ["FetchContent_Declare(a URL https://e.org/a)", "ExternalProject_Add(a URL https://e.org/a)", "CPMAddPackage(a)"],
)
def test_what_is_downloaded_only_where_it_is_not_found(fetch: str) -> None:
    text = f"find_package(A)\nif(NOT A_FOUND)\n{fetch}\nendif()\n"
    assert (evidence(text)["A"].need, evidence(text)["A"].bundled) == ("required", False)
    assert [kind for kind, _ in flags(text)] == ["download"]
    assert needs(f"find_package(A)\n{fetch}\n") == {"A": "optional"}


def test_a_build_that_another_backend_runs() -> None:
    text = "project(x CXX)\nfind_package(A REQUIRED)\nFetchContent_Declare(a URL https://example.org/a)\n"
    assert {name: (one.need, one.weight) for name, one in evidence(text, "").items()} == {
        "c++": ("optional", 0.24),
        "A": ("optional", 0.24),
    }
    assert flags(text, "") == []
    assert needs(text, "", {"setup.py": "subprocess.check_call(['cmake', '..'])"})["A"] == "required"


def test_a_project_below_that_setup_py_builds() -> None:
    files = {
        "setup.py": "call(['cmake', 'native', '-DWITH_A=ON'])",
        "native/CMakeLists.txt": "if(WITH_A)\nfind_package(A REQUIRED)\nendif()",
        "other/CMakeLists.txt": "find_package(B REQUIRED)",
    }
    contents = {path: text.encode() for path, text in files.items()}
    listed = list(find_in_cmake(SourceTree(dict.fromkeys(contents, 1), contents)))
    assert listed == [Evidence(kind="cmake", name="A", where="native/CMakeLists.txt:2", weight=0.95)]


@pytest.mark.parametrize(
    "text",
    [
        "project(",
        "if(A)\n",
        "endif()\n",
        "else()\n",
        'message("',
        "a b",
        "message([[ ]",
        "if(A)\n" * 1_000 + "endif()\n" * 1_000,
        "if(" + "(" * 50_000 + ")" * 50_000 + ")\nendif()\n",
        "a([[ " * 100_000,
        "function(f)\nf()\nf()\nendfunction()\nf()\n",
        "set(L 1 2 3 4 5 6 7 8 9)\n" + "".join(f"foreach(a{i} IN LISTS L)\n" for i in range(9)) + "endforeach()\n" * 9,
        "set(X " + "a" * 9_000 + ")\nmessage(" + "${X} " * 90_000 + ")\n",
        "macro(m)\nfind_package(A REQUIRED)\nendmacro()\n" + "m()\n" * 50_000,
    ],
)
def test_broken_or_huge_files_are_flagged(text: str) -> None:
    start = time.process_time()
    assert [kind for kind, _ in flags(text)] == ["unreadable"]
    assert time.process_time() - start < 5


@pytest.mark.parametrize("word", ["A AND ", "A OR ", "NOT ", "A OR B AND ", "DEFINED "])
def test_long_conditions_take_linear_time(word: str) -> None:
    start = time.process_time()
    assert needs(f"if({word * 40_000}A)\nfind_package(Z REQUIRED)\nendif()\n") == {"Z": "optional"}
    assert time.process_time() - start < 5


WORDS = st.sampled_from(
    "if( elseif( else() endif() foreach(x a b) endforeach() function(f x) endfunction() f(a) set(X ${X} a)"
    ' find_package( find_library( pkg_check_modules( REQUIRED NAMES A X ${X} ${ ) ( " [[ ]] # \n \n NOT AND OR'
    " STREQUAL DEFINED"
    " TARGET IN_LIST MATCHES add_subdirectory(a) include(b.cmake) list(APPEND FetchContent_Declare( URL option("
    " return()".split(" ")
)


@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=100))
def test_junk(text: str) -> None:
    for one in found(text, others={"a/CMakeLists.txt": text, "b.cmake": text, "FindA.cmake": text, "setup.py": text}):
        assert ":" in one.where


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("find_package_handle_standard_args(D DEFAULT_MSG D_LIB D_DIR)", {"d": "required", "d.h": "required"}),
        (
            "set(D_LIBRARIES ${D_LIB})\nfind_package_handle_standard_args(D DEFAULT_MSG D_LIBRARIES)",
            {"d": "required", "d.h": "optional"},
        ),
        ("", {"D": "required", "d": "optional", "d.h": "optional"}),
    ],
)
def test_what_an_own_find_module_demands(module: str, expected: dict[str, str]) -> None:
    others = {"cmake/FindD.cmake": f"find_library(D_LIB d)\nfind_path(D_DIR d.h)\n{module}"}
    assert needs("find_package(D REQUIRED)", others=others) == expected
    if module:
        fatal = "find_package(D)\nif(NOT D_FOUND)\nmessage(FATAL_ERROR x)\nendif()"
        assert needs(fatal, others=others)["d"] == "required"
        assert set(needs("find_package(D)", others=others).values()) == {"optional"}


def test_what_is_looked_for_where_a_system_lacks_another() -> None:
    text = "pkg_check_modules(A a)\nif(NOT A_FOUND)\nfind_library(L b REQUIRED)\nendif()"
    listed = evidence(text)
    assert listed["a"].need == "required"
    assert (listed["b"].need, listed["b"].instead_of) == ("optional", "pkg-config a")


SETUP = "from setuptools import setup\nimport subprocess\nimport os\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("subprocess.check_call(['cmake', '-DWITH_A=ON', '.'])", "required"),
        ("args = ['cmake', '.']\nif x:\n    args.append('-DWITH_A=ON')", "optional"),
        ("subprocess.check_call(['cmake', '-DWITH_A=OFF', '.'])", None),
    ],
)
def test_options_that_setup_gives(call: str, expected: str | None) -> None:
    text = "option(WITH_A a OFF)\nif(WITH_A)\nfind_package(A REQUIRED)\nendif()"
    assert needs(text, "", {"setup.py": SETUP + call}).get("A") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("if __name__ == '__main__':\n    subprocess.check_call(['cmake', '-DWITH_A=ON', '.'])", "required"),
        ("subprocess.call(['cmake', '-DWITH_A=OFF' if os.environ.get('NO') else '-DWITH_A=ON'])", "required"),
        ("subprocess.call(['cmake', '-DWITH_A=ON' if os.environ.get('YES') else '-DWITH_A=OFF'])", None),
        ("if os.environ.get('YES'):\n    subprocess.call(['cmake', '-DWITH_A=ON'])", "optional"),
        ("with_a = '-DWITH_A=ON'\nif x:\n    with_a = '-DWITH_A=OFF'\nsubprocess.call(['cmake', with_a])", "optional"),
        ("subprocess.check_call('cmake -DWITH_A=ON .', shell=True)", "required"),
    ],
)
def test_options_that_setup_gives_where_its_code_is_followed(call: str, expected: str | None) -> None:
    text = "project(x C)\noption(WITH_A a OFF)\nif(WITH_A)\nfind_package(A REQUIRED)\nendif()"
    found = analyse(tree_of({"setup.py": f"{SETUP}{call}\nsetup()\n", "CMakeLists.txt": text})).evidence
    assert {one.name: one.need for one in found}.get("A") == expected


@pytest.mark.parametrize(
    ("requires", "call", "expected"),
    [
        ("'setuptools', 'pybind11'", "['cmake', '.']", "required"),
        ("'setuptools', 'pybind11'", "['cmake', '.', '-DCMAKE_PREFIX_PATH=' + pybind11.get_cmake_dir()]", None),
        ("'setuptools', 'pybind11'", "['cmake', '.', '-DCMAKE_PREFIX_PATH=/opt']", "required"),
        ("'scikit-build', 'pybind11'", "['cmake', '.']", "required"),
        ("'setuptools', 'pybind11[global]'", "['cmake', '.']", None),
        ("'scikit-build-core', 'pybind11'", "['cmake', '.']", None),
    ],
)
def test_wheels_of_bindings_where_cmake_does_not_look(requires: str, call: str, expected: str | None) -> None:
    pyproject = f"[build-system]\nrequires = [{requires}]\n"
    files = {"setup.py": f"{SETUP}subprocess.check_call({call})\n"}
    assert needs("find_package(pybind11 CONFIG REQUIRED)", pyproject, files).get("pybind11") == expected


def test_wheels_of_bindings_that_are_there_when_it_runs_alone() -> None:
    files = {
        "setup.py": f"{SETUP}subprocess.check_call(['cmake', '.'])\nsetup(install_requires=['pybind11[global]'])\n"
    }
    assert needs("find_package(pybind11 CONFIG REQUIRED)", "", files)["pybind11"] == "required"


def test_sources_that_are_compiled_on_a_condition() -> None:
    text = """add_library(m a.c)
if(X)
  target_sources(m PRIVATE a.c b.c)
endif()
if(WIN32)
  target_sources(m PRIVATE c.c)
endif()
add_executable(tool EXCLUDE_FROM_ALL d.c a.c)
target_sources(m PRIVATE ${UNKNOWN}/e.c)
"""
    files = {
        "pyproject.toml": PYPROJECT,
        "CMakeLists.txt": text,
        **dict.fromkeys(("a.c", "b.c", "c.c", "d.c", "e.c"), ""),
    }
    tree = SourceTree(
        {path: len(one) for path, one in files.items()}, {path: one.encode() for path, one in files.items()}
    )
    list(find_in_cmake(tree))
    assert set(tree.conditional) == {"b.c", "c.c", "d.c"}


@pytest.mark.parametrize(
    ("before", "conditional"),
    [
        ("if(NOT A_FOUND)\n  return()\nendif()\n", True),
        ("if(A_FOUND)\n  message(x)\nelse()\n  return()\nendif()\n", True),
        ("if(X STREQUAL y)\n  if(A_FOUND)\n    return()\n  endif()\nendif()\n", False),
        ("set(X y)\nif(X STREQUAL y)\n  if(A_FOUND)\n    return()\n  endif()\nendif()\n", True),
        ("function(f)\n  if(A_FOUND)\n    return()\n  endif()\nendfunction()\nf()\n", False),
    ],
)
def test_what_follows_a_return_that_may_be_taken(before: str, conditional: bool) -> None:
    texts = {
        "pyproject.toml": PYPROJECT,
        "CMakeLists.txt": f"find_package(A)\n{before}find_package(B REQUIRED)\nadd_library(m a.c)\n",
        "a.c": "",
    }
    tree = SourceTree(
        {path: len(one) for path, one in texts.items()}, {path: one.encode() for path, one in texts.items()}
    )
    found = {one.name: one.need for one in find_in_cmake(tree) if isinstance(one, Evidence)}
    assert (found["B"], set(tree.conditional)) == (("optional", {"a.c"}) if conditional else ("required", set()))


def test_a_file_is_left_where_every_branch_returns() -> None:
    text = "find_package(A)\nif(A_FOUND)\n  return()\nelse()\n  return()\nendif()\nfind_package(B)\n"
    assert "B" not in needs(text)


def test_macros_that_a_project_defines() -> None:
    text = "add_definitions(-DA -DB=1 -DE=0 -DF=KIND_F)\nif(X)\nadd_compile_definitions(C)\nendif()\n"
    text += "target_compile_definitions(m PRIVATE D=2)"
    files = {"pyproject.toml": PYPROJECT, "CMakeLists.txt": text}
    tree = SourceTree(
        {path: len(one) for path, one in files.items()}, {path: one.encode() for path, one in files.items()}
    )
    list(find_in_cmake(tree))
    values = {"A": (1, 1), "B": (1, 1), "D": (2, 2), "E": (0, 0), "F": ANY}
    assert defined(tree) == values


def test_a_folder_that_a_module_beside_setup_py_configures() -> None:
    helper = "def build():\n    check_call('cmake ../libssh2 -DBACKEND=OpenSSL -DX=ON', shell=True)\n"
    inner = "project(s C)\nset(BACKEND None CACHE STRING x)\nif(BACKEND STREQUAL OpenSSL)\n"
    inner += "  find_package(OpenSSL REQUIRED)\nendif()\n"
    setup = "from _build_ssh2 import build\nbuild()\n"
    files = {"setup.py": setup, "_build_ssh2.py": helper, "libssh2/CMakeLists.txt": inner}
    contents = {path: text.encode() for path, text in files.items()}
    told = find_in_cmake(SourceTree({path: len(data) for path, data in contents.items()}, contents))
    assert ("OpenSSL", "required") in {(one.name, one.need) for one in told if isinstance(one, Evidence)}


def built(text: str, script: str = "", **files: str) -> SourceTree:
    texts = {"pyproject.toml": PYPROJECT, "CMakeLists.txt": text, "setup.py": script}
    texts |= {path.replace("__", "/").replace("_c", ".c"): "" for path in files}
    tree = SourceTree(dict.fromkeys(texts, 1), {path: one.encode() for path, one in texts.items()})
    list(find_in_cmake(tree))
    return tree


@pytest.mark.parametrize(
    "without",
    [
        'FILTER SOURCES EXCLUDE REGEX ".*main.c"',
        "REMOVE_ITEM SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/src/main.c",
        "REMOVE_ITEM SOURCES ${PROJECT_SOURCE_DIR}/src/main.c ${CMAKE_CURRENT_SOURCE_DIR}/src/other.c",
    ],
)
def test_sources_that_patterns_stand_for_are_compiled(without: str) -> None:
    text = f'file(GLOB SOURCES "src/*.c")\nlist({without})\nadd_library(a ${{SOURCES}})\n'
    assert {"src/a.c", "src/b.c", "src/main.c"} & built(text, src__a_c="", src__b_c="", src__main_c="").built == {
        "src/a.c",
        "src/b.c",
    }
    below = built("file(GLOB_RECURSE S CONFIGURE_DEPENDS src/*.c)\n", src__x__a_c="", b_c="").built
    assert "src/x/a.c" in below and "b.c" not in below


@pytest.mark.parametrize(
    "text",
    [
        "file(GLOB S src/*.c)\nlist(REMOVE_ITEM S src/main.c)\n",
        "file(GLOB S src/*.c)\nif(X)\nlist(REMOVE_ITEM S ${CMAKE_CURRENT_SOURCE_DIR}/src/main.c)\nendif()\n",
        "file(GLOB S src/*.c)\nfile(GLOB T src/m*.c)\nlist(REMOVE_ITEM S ${CMAKE_CURRENT_SOURCE_DIR}/src/main.c)\n",
        "add_executable(t src/main.c)\nfile(GLOB S src/*.c)\nlist(REMOVE_ITEM S ${CMAKE_SOURCE_DIR}/src/main.c)\n",
    ],
)
def test_sources_that_are_taken_out_of_another_list_or_not_at_all(text: str) -> None:
    assert "src/main.c" in built("project(a C)\n" + text, src__main_c="", src__a_c="").built
    relative = "file(GLOB S RELATIVE ${CMAKE_SOURCE_DIR} src/*.c)\nlist(REMOVE_ITEM S src/main.c)\n"
    assert "src/main.c" not in built(relative, src__main_c="", src__a_c="").built


def test_what_is_set_already_is_not_looked_for() -> None:
    there = "set(Z_DIR ${CMAKE_CURRENT_SOURCE_DIR}/z)\nfind_path(Z_DIR z.h)\nfind_library(Z_DIR z)\n"
    assert needs(there) == {}
    own = "set(ZLIB_INCLUDE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/z)\nfind_package(ZLIB REQUIRED)\n"
    assert needs(own) == {}
    assert needs(own.replace("${CMAKE_CURRENT_SOURCE_DIR}", "/opt")) == {"ZLIB": "required"}


def test_a_find_module_with_a_library_for_each_configuration() -> None:
    module = (
        "find_library(Z_LIBRARY_RELEASE z)\ninclude(SelectLibraryConfigurations)\nselect_library_configurations(Z)\n"
        "find_package_handle_standard_args(Z REQUIRED_VARS Z_LIBRARY)\n"
    )
    text = "list(APPEND CMAKE_MODULE_PATH cmake)\nfind_package(Z REQUIRED)\n"
    assert needs(text, others={"cmake/FindZ.cmake": module}) == {"z": "required"}


def test_a_hook_of_the_backend_runs_cmake() -> None:
    pyproject = (
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[tool.hatch.build.hooks.custom]\npath = 'tools/hook.py'\n"
    )
    hook = {"tools/hook.py": "import subprocess\nsubprocess.check_call(['cmake', '.'])\n"}
    assert needs("find_package(A REQUIRED)\n", pyproject, hook) == {"A": "required"}
    assert needs("find_package(A REQUIRED)\n", pyproject) == {"A": "optional"}


@pytest.mark.parametrize(("path", "named"), [("external/fmt/include/fmt/format.h", set()), ("other/x.h", {"fmt"})])
def test_packages_that_their_own_module_finds_in_the_archive(path: str, named: set[str]) -> None:
    module = """find_path(fmt_INCLUDE_DIR NAMES fmt/format.h PATHS ${PROJECT_SOURCE_DIR}/external)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(fmt REQUIRED_VARS fmt_INCLUDE_DIR)
"""
    text = "project(x CXX)\nlist(APPEND CMAKE_MODULE_PATH cmake)\nfind_package(fmt REQUIRED)\n"
    found = evidence(text, others={"cmake/Findfmt.cmake": module, path: ""})
    assert {name.partition("/")[0] for name, one in found.items() if one.kind != "language"} == named


def test_a_package_that_is_sought_where_a_copy_of_it_was_built() -> None:
    text = "find_package(SUNDIALS 7.1 REQUIRED CONFIG%s)\n"
    copy = {"ThirdParty/sundials/CMakeLists.txt": "project(sundials)\n"}
    one = evidence(text % " PATHS ${SOMEWHERE}/cmake", others=copy)["SUNDIALS"]
    assert one.bundled
    assert flags(text % " PATHS ${SOMEWHERE}/cmake", others=copy) == []
    assert not evidence(text % " PATHS ${SOMEWHERE}/cmake")["SUNDIALS"].bundled
    assert not evidence(text % "", others=copy)["SUNDIALS"].bundled


def test_a_variable_that_nothing_sets_is_false() -> None:
    text = "if(NOT {0}_VERSION)\nfind_package(One REQUIRED)\nendif()\n"
    assert needs(text.format("MINE")) == {"One": "required"}
    for before in (
        "check_symbol(x MINE_VERSION)\n",  # a command that is not known may set what it is given
        "find_package(Mine)\n",  # and packages what starts with their names
        "set(${SOME} 1)\n",
    ):
        assert needs(before + text.format("MINE"))["One"] == "optional"
    assert needs(text.format("CMAKE_SOME")) == {"One": "optional"}


def test_what_every_branch_requires_is_required() -> None:
    text = "if(X MATCHES ${{Y}})\n{0}\nelse()\n{1}\nendif()\n"
    one, two = "find_package(One REQUIRED)", "find_package(Two REQUIRED)"
    assert needs(text.format(f"{one}\n{two}", one)) == {"One": "required", "Two": "optional"}
    inner = text.format(one, one)
    assert needs(text.format(inner, one)) == {"One": "required"}
    assert needs(text.format(f"if(A MATCHES ${{B}})\n{one}\nendif()", one)) == {"One": "optional"}
    assert needs(f"if(X MATCHES ${{Y}})\n{one}\nendif()\n") == {"One": "optional"}
    assert needs(text.format("find_package(One)", one)) == {"One": "optional"}


def test_components_that_are_packages_of_their_own() -> None:
    text = "find_package(Qt5 COMPONENTS Core Svg REQUIRED OPTIONAL_COMPONENTS Help)\nfind_package(Foo COMPONENTS X)\n"
    assert needs(text) == {"Qt5": "required", "Qt5Core": "required", "Qt5Svg": "required", "Foo": "optional"}
    assert set(needs("find_package(KF5 REQUIRED Archive)\n")) == {"KF5", "KF5Archive"}


def test_code_that_protoc_writes() -> None:
    assert needs("protobuf_generate_cpp(S H a.proto)\n") == {"protoc": "required"}
    by_wheel = PYPROJECT.replace("'pybind11'", "'grpcio-tools'")
    assert needs("protobuf_generate_cpp(S H a.proto)\n", by_wheel) == {}


def test_libraries_that_all_targets_are_linked_with() -> None:
    assert needs("project(a C)\nlink_libraries(yaml m)\n") == {"c": "required", "yaml": "required"}


@pytest.mark.parametrize(
    ("check", "name"),
    [
        ("check_include_file(yaml.h HAVE_IT)", "yaml.h"),
        ('check_include_files("stdio.h;yaml.h" HAVE_IT)', "yaml.h"),
        ('check_library_exists(yaml yaml_parser_new "" HAVE_IT)', "yaml"),
    ],
)
def test_checks_that_end_the_build(check: str, name: str) -> None:
    ends = f"project(a C)\n{check}\nif(NOT HAVE_IT)\n  message(FATAL_ERROR no)\nendif()\n"
    assert needs(ends)[name] == "required"
    assert needs(ends.replace("FATAL_ERROR", "STATUS"))[name] == "optional"
    assert "m" not in needs('project(a C)\ncheck_library_exists(m sin "" HAVE_IT)\n')


def test_a_package_of_several_names() -> None:
    text = (
        "project(a CXX)\nfind_package(QT NAMES Qt6 Qt5 REQUIRED COMPONENTS Core)\n"
        "find_package(Qt${QT_VERSION_MAJOR} REQUIRED COMPONENTS Svg)\n"
    )
    assert needs(text) == {"c++": "required", "Qt6": "required", "Qt6Core": "required", "Qt6Svg": "required"}


@pytest.mark.parametrize(("package", "name"), [("GTest", "GTest"), ("Git", "git"), ("Doxygen", "doxygen")])
def test_what_developers_use_is_needed_where_a_build_ends_without(package: str, name: str) -> None:
    assert needs(f"project(a C)\nfind_package({package} REQUIRED)\n")[name] == "required"
    assert name not in needs(f"project(a C)\nfind_package({package})\n")
    assert name not in needs(f"project(a C)\nif(TESTS)\nfind_package({package} REQUIRED)\nendif()\n")


def test_a_program_that_a_custom_command_runs() -> None:
    found = "project(a C)\nfind_program(TOOL gperf)\n"
    assert needs(found)["gperf"] == "optional"
    assert needs(f"{found}add_custom_command(OUTPUT b.c COMMAND ${{TOOL}} a.gperf)\n")["gperf"] == "required"


def test_a_module_of_a_folder_that_runs_cmake() -> None:
    setup = "from own.builds import Build\nfrom setuptools import setup\nsetup(cmdclass={'build_ext': Build})\n"
    others = {"setup.py": setup, "own/builds.py": "subprocess.check_call(['cmake', '..'])\n"}
    text = "project(a C)\nfind_package(PNG REQUIRED)\n"
    assert needs(text, "", others)["PNG"] == "required"
    assert needs(text, "", {**others, "setup.py": "from setuptools import setup\nsetup()\n"})["PNG"] == "optional"


def test_a_copy_of_a_module_of_cmake_that_downloads() -> None:
    text = "project(a C)\ninclude(FetchContent)\nFetchContent_Declare(b URL https://example.org/b)\n"
    copy = {"cmake/FetchContent.cmake": "function(FetchContent_Declare name)\nendfunction()\n"}
    module_path = "list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)\n"
    told = [("download", "b is downloaded from https://example.org/b")]
    assert flags(text) == flags(module_path + text, others=copy) == told


def test_a_script_that_runs_cmake_by_a_name_of_its_own() -> None:
    setup = "import os\nfrom setuptools import setup\nline = f'cmake {told()} ..'\nos.system(line)\nsetup()\n"
    files = {"setup.py": setup, "CMakeLists.txt": "project(a C)\nfind_package(PNG REQUIRED)\n", "a.c": ""}
    contents = {path: text.encode() for path, text in files.items()}
    found = analyse(SourceTree({path: len(data) for path, data in contents.items()}, contents)).evidence
    assert [one.need for one in found if one.name == "PNG"] == ["required"]


def test_arguments_of_functions_by_their_keywords() -> None:
    text = (
        'project(a C)\nfunction(need)\ncmake_parse_arguments(A "MUST;MAY" "NAME" "MORE" ${ARGN})\n'
        "if(A_MUST)\nfind_package(${A_NAME} REQUIRED)\nendif()\nif(A_MAY)\nfind_package(Other REQUIRED)\nendif()\n"
        "foreach(one ${A_MORE})\nfind_package(${one} REQUIRED)\nendforeach()\nendfunction()\n"
        "need(NAME PNG MUST MORE ZLIB TIFF)\nneed(NAME ${NOT_KNOWN_HERE} MORE)\n"
    )
    assert needs(text) == {"c": "required", "PNG": "required", "ZLIB": "required", "TIFF": "required"}
    assert needs("project(a C)\nfind_package(${CMAKE_OTHER} REQUIRED)\n") == {"c": "required"}
    odd = {"A_ON": "FALSE", "A_ONE": None, "A_UNPARSED_ARGUMENTS": "x;y"}
    assert parsed_arguments("A", (["ON"], ["ONE"], [""]), ["x", "ONE", None, "y"]) == odd


@pytest.mark.parametrize(
    "test",
    [
        "CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR",
        "CMAKE_PROJECT_NAME STREQUAL PROJECT_NAME",
        "PROJECT_IS_TOP_LEVEL",
        "BUILD_TESTING",
    ],
)
def test_what_holds_of_the_project_that_is_built(test: str) -> None:
    text = f"project(a C)\ninclude(CTest)\nif({test})\nfind_package(PNG REQUIRED)\nendif()\n"
    assert needs(text)["PNG"] == "required"


@pytest.mark.parametrize("test", ["CMAKE_PROJECT_NAME STREQUAL PROJECT_NAME", "PROJECT_IS_TOP_LEVEL"])
def test_what_holds_of_a_project_within_another(test: str) -> None:
    inner = f"project(b C)\nif({test})\nfind_package(PNG REQUIRED)\nendif()\n"
    outer = "project(a C)\nadd_subdirectory(b)\nfind_package(${PROJECT_NAME}x REQUIRED)\n"
    assert needs(outer, others={"b/CMakeLists.txt": inner}) == {"c": "required", "ax": "required"}
    unknown = needs("project(${CMAKE_OTHER} C)\nif(PROJECT_NAME STREQUAL C)\nfind_package(PNG REQUIRED)\nendif()\n")
    assert unknown["PNG"] == "optional"


@pytest.mark.parametrize("test", ['LIB STREQUAL "LIB-NOTFOUND"', "${LIB} MATCHES NOTFOUND", "NOT LIB"])
def test_what_a_find_command_sets_that_finds_nothing(test: str) -> None:
    text = f"project(a C)\nfind_library(LIB yaml)\nif({test})\nmessage(FATAL_ERROR no)\nendif()\n"
    assert needs(text)["yaml"] == "required"


@pytest.mark.parametrize(
    "check",
    [
        'check_symbol_exists(yaml_parser_new "stdio.h;yaml.h" HAVE_IT)',
        'check_c_source_compiles("#include <stdio.h>\n#include <yaml.h>\nint main(){}" HAVE_IT)',
    ],
)
def test_trials_that_end_the_build(check: str) -> None:
    ends = f"project(a C)\n{check}\nif(NOT HAVE_IT)\n  message(FATAL_ERROR no)\nendif()\n"
    assert needs(ends)["yaml.h"] == "required"


@pytest.mark.parametrize(
    ("items", "linked"),
    [
        ("$<$<PLATFORM_ID:Linux>:one>", True),
        ("$<$<PLATFORM_ID:Windows,Darwin>:one>", False),
        ("$<$<NOT:$<PLATFORM_ID:Windows>>:one>", True),
        ("$<$<AND:$<PLATFORM_ID:Linux>,$<CXX_COMPILER_ID:GNU>>:one>", True),
        ("$<$<OR:$<PLATFORM_ID:Windows>,$<CONFIG:Debug>>:one>", False),
        ("$<$<BOOL:${WITH_ONE}>:one>", True),
        ("$<BUILD_INTERFACE:one>", True),
        ("$<TARGET_PROPERTY:other,one>", False),
        ("$<$<PLATFORM_ID:Linux>:-lone;-ldl>", True),
        ("one$<", False),
    ],
)
def test_libraries_that_generator_expressions_link(items: str, linked: bool) -> None:
    found = needs(f'set(WITH_ONE ON)\nadd_library(m a.c)\ntarget_link_libraries(m PRIVATE "{items}")\n')
    assert (found.get("one") == "required") is linked


def test_libraries_among_the_options_of_the_linker() -> None:
    assert needs("add_library(m a.c)\ntarget_link_options(m PRIVATE -Wl,-O1 -lone)\n")["one"] == "required"


@pytest.mark.parametrize(
    ("text", "kind", "name", "need"),
    [
        ("COMMAND one-config --libs OUTPUT_VARIABLE L", "program", "one-config", "required"),
        ("COMMAND one-config --libs RESULT_VARIABLE R OUTPUT_VARIABLE L", "program", "one-config", "optional"),
        ("COMMAND pkg-config --cflags one OUTPUT_VARIABLE L", "pkg-config", "one", "required"),
    ],
)
def test_programs_that_tell_how_to_use_a_library(text: str, kind: str, name: str, need: str) -> None:
    one = evidence(f"execute_process({text})\n")[name]
    assert (one.kind, one.need) == (kind, need)


ENDS = "if(NOT READY)\nmessage(FATAL_ERROR x)\nendif()\n"


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("pkg_check_modules(A a)\nif(A_FOUND)\nset(READY ON)\nendif()\n", {"a"}),
        ("set(READY OFF)\nfind_package(A QUIET)\nif(A_FOUND)\nset(READY ON)\nendif()\n", {"A"}),
        (  # of several ways the last, which is there in most distributions
            "find_package(A CONFIG QUIET)\nif(TARGET A::A)\nset(READY ON)\nelse()\npkg_check_modules(B b)\n"
            "if(B_FOUND)\nset(READY ON)\nendif()\nendif()\n",
            {"b"},
        ),
        ("pkg_check_modules(A a)\nif(A_FOUND)\nset(READY ON)\nelseif(${OTHER})\nset(READY ON)\nendif()\n", set()),
        (
            "pkg_check_modules(READY a)\nif(NOT READY)\nfind_path(I b.h)\nif(I)\nset(READY ON)\nendif()\nendif()\n",
            {"a"},
        ),
        ("set(READY ON)\nfind_package(A QUIET)\nif(A_FOUND)\nset(READY YES)\nendif()\n", set()),
    ],
)
def test_flags_that_tell_whether_something_is_found(text: str, required: set[str]) -> None:
    listed = needs(f"find_package(PkgConfig REQUIRED)\n{text}{ENDS}")
    assert {name for name, need in listed.items() if need == "required"} - {"pkg-config"} == required


def test_what_a_project_handles_as_a_find_module_does() -> None:
    handled = "find_package_handle_standard_args(One REQUIRED_VARS ONE_H ONE_LIB)\n"
    text = f"find_path(ONE_H one.h)\nfind_library(ONE_LIB one)\n{handled}"
    assert needs(text) == {"one.h": "optional", "one": "optional"}
    assert needs(f"{text}if(NOT One_FOUND)\nmessage(FATAL_ERROR x)\nendif()\n") == {
        "one.h": "required",
        "one": "required",
    }


@given(st.text(alphabet="$<>:;,01NOTANDBOOLa-l", max_size=80))
def test_any_generator_expression(text: str) -> None:
    assert all("$<" not in part for part in generated(text))


def test_of_several_that_are_tried_in_turn_the_first_is_needed() -> None:
    tried = "".join(
        f"""
if(BACKEND STREQUAL "{name}" OR NOT BACKEND)
  find_package({name} ${{NEED}})
  if({name}_FOUND)
    set(BACKEND "{name}")
  endif()
endif()"""
        for name in ("OpenSSL", "GnuTLS", "MbedTLS")
    )
    text = f"""set(BACKEND "" CACHE STRING "which")
if(BACKEND)
  set(NEED REQUIRED)
endif(){tried}
if(NOT BACKEND)
  message(FATAL_ERROR "no backend")
endif()
"""
    assert needs(text) == {"OpenSSL": "required", "GnuTLS": "optional", "MbedTLS": "optional"}
    given = f"{PYPROJECT}[tool.scikit-build.cmake.define]\nBACKEND = 'GnuTLS'\n"
    assert needs(text, given) == {"GnuTLS": "required"}


@pytest.mark.parametrize("given", ["${ARGV}", "${name} ${ARGN}"])
def test_commands_that_a_project_replaces_by_its_own(given: str) -> None:
    macro = f"macro(add_library name)\n  _add_library({given})\nendmacro()\n"
    text = f"{macro}add_library(foo SHARED a.c)\nadd_executable(b b.c)\ntarget_link_libraries(b foo yaml)\n"
    assert needs(text) == {"yaml": "required"}
