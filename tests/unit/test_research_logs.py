"""What failed builds wrote, and what is read from it: lines of real builds, or in a form that tools have."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.research.logs import cause_of, read_log
from wheelbase.research.patterns import load_patterns, parse_patterns

# id -> (what a build wrote, the name that is to be read from it)
SAMPLES = {
    "command-not-there": (
        "building 'PIL._imaging' extension\nerror: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
        "x86_64-linux-gnu-gcc",
    ),
    "compiler-part": ("gcc: fatal error: cannot execute ‘cc1plus’: execvp: No such file or directory", "c++"),
    "fortran-part": ("RuntimeError: You need ifort or gfortran 6 or higher to compile (found: None).", "fortran"),
    "c-library": ("/usr/bin/ld: cannot find Scrt1.o: No such file or directory", "c"),
    "c++": ("RuntimeError: Unsupported compiler -- at least C++11 support is needed!", "c++"),
    "meson-compiler": (
        "../meson.build:1:0: ERROR: Unknown compiler(s): [['gfortran'], ['flang-new'], ['flang'], ['ifort']]",
        "gfortran",
    ),
    "meson-archiver": (
        "../meson.build:1:0: ERROR: Unknown linker(s): [['llvm-ar-22'], ['llvm-ar'], ['ar'], ['gar']]",
        "ar",
    ),
    "cmake-compiler": (
        "CMake Error at CMakeLists.txt:5 (project):\n  No CMAKE_Fortran_COMPILER could be found.",
        "Fortran",
    ),
    "rust": ("Cargo, the Rust package manager, is not installed or is not on PATH.", "rust"),
    "python-headers": ("src/zope/proxy/_proxy.c:1:10: fatal error: Python.h: No such file or directory", "python"),
    "header-of-old-python": (
        "lib/cartopy/trace.cpp:198:12: fatal error: longintrepr.h: No such file or directory\n  198 | #include",
        "longintrepr.h",
    ),
    "header-of-module": (
        "src/a.c:2:10: fatal error: numpy/arrayobject.h: No such file or directory",
        "numpy/arrayobject.h",
    ),
    "header-gcc": (
        "bluez/btmodule.h:5:10: fatal error: bluetooth/bluetooth.h: No such file or directory",
        "bluetooth/bluetooth.h",
    ),
    "header-clang": ("src/zlib.c:3:10: fatal error: 'zlib.h' file not found", "zlib.h"),
    "header-fortran": ("Fatal Error: Cannot open module file 'netcdf.mod' for reading at (1)", "netcdf.mod"),
    "header-words": ("    Could not find MUMPS_INCLUDE_DIR using the following files: dmumps_c.h", "dmumps_c.h"),
    "linker": ("/usr/bin/ld: cannot find -lncurses: No such file or directory", "ncurses"),
    "meson-library": ("../meson.build:418:25: ERROR: C shared or static library 'SDL2_mixer' not found", "SDL2_mixer"),
    "no-pkg-config": (
        "error: pkg-config probably not installed: FileNotFoundError(2, 'No such file or directory')",
        "pkg-config",
    ),
    "pkg-config-version": ("Requested 'wlroots >= 0.16' but version of wlroots is 0.15.1", "wlroots >= 0.16"),
    "pkg-config": ("Package 'ddjvuapi', required by 'virtual:world', not found", "ddjvuapi"),
    "pkg-config-call": (
        "subprocess.CalledProcessError: Command '['pkg-config', '--modversion', 'libgphoto2']' returned non-zero exit",
        "libgphoto2",
    ),
    "pkg-config-wanted": ("pkgconfig.pkgconfig.PackageNotFoundError: md4c-html not found", "md4c-html"),
    "meson-dependency": ('../meson.build:31:12: ERROR: Dependency "cairo" not found, tried pkgconfig', "cairo"),
    "meson-version": (
        "ERROR: Dependency lookup for glib-2.0 with method 'pkgconfig' failed: Invalid version, need 'glib-2.0' "
        "['>= 2.80'] found '2.74.6'.",
        "glib-2.0' ['>= 2.80']",
    ),
    "openssl-crate": ("  Could not find directory of OpenSSL installation, and this `-sys` crate cannot", "openssl"),
    "cmake-version": ("  CMake 3.28 or higher is required.  You are running version 3.25.1", "CMake 3.28"),
    "boost-python": ("    Could NOT find Boost (missing: Boost_INCLUDE_DIR python3)", "boost_python"),
    "cmake-package": ('  Could not find a package configuration file provided by "CLBlast" with any', "CLBlast"),
    "cmake-package-optional": ("-- Could NOT find JNI (missing: AWT)", "JNI"),
    "cmake-program": ("    Could not find ANT_EXECUTABLE using the following names: ant", "ant"),
    "cmake-generator": (
        'CMake Error: CMake was unable to find a build program corresponding to "Ninja".  CMAKE_MAKE_PROGRAM is not',
        "ninja",
    ),
    "cmake-make": (
        'CMake Error: CMake was unable to find a build program corresponding to "Unix Makefiles".',
        "make",
    ),
    "shell": ("/bin/sh: 1: krb5-config: not found", "krb5-config"),
    "make-or-env": ("make: nasm: No such file or directory", "nasm"),
    "meson-program": ("meson.build:9:0: ERROR: Program 'bison' not found or not executable", "bison"),
    "program-words": ("Error: pg_config executable not found.", "pg_config"),
    "config-program": ("INFO:root:Failed to use gdal-config, trying to run gdalinfo instead", "gdal-config"),
    "git": ("CMake Error: error: could not find git for clone of googletest", "git"),
    "java": ("Exception: Error finding javahome on linux: ['bash', '-c', 'type -p java']", "javac"),
    "wanted-word": ("__main__.RequiredDependencyException: jpeg", "jpeg"),
    "configure": ("configure: error: libelf not found", "libelf"),
    "library-words": ("RuntimeError: NFFT library not found via pkgconfig.", "NFFT"),
    "installed-words": (
        "Error: Please make sure the libxml2 and libxslt development packages are installed.",
        "libxml2",
    ),
    "found-words": (
        ".. ERROR:: Could not find a local HDF5 installation headers (hdrdir=None) and/or libdir (libdir=False).",
        "HDF5",
    ),
    "api": ("gpsdshm/shm.c:162:24: error: ‘struct gps_data_t’ has no member named ‘status’", "status"),
    "undefined-reference": ("/usr/bin/ld: a.o: undefined reference to `lzma_easy_encoder'", "lzma_easy_encoder"),
    "rust-error": ("error[E0658]: use of unstable library feature 'let_chains'", "E0658"),
    "rust-version": (
        "error: package `ahash v0.8.12` cannot be built because it requires rustc 1.65.0 or newer, while the currently",
        "rustc 1.65.0",
    ),
    "preprocessor": ('src/glue.h:9:2: error: #error "libgit2 1.9 is needed"', "libgit2 1.9 is needed"),
    "required-version": ("RuntimeError: h5py requires HDF5 >= 1.14.2 but found 1.10.8", "HDF5 >= 1.14.2"),
    "python-version": (
        "ERROR: Package 'numba' requires a different Python: 3.14.0 not in '<3.14,>=3.10'",
        "3.14.0 not in '<3.14,>=3.10'",
    ),
    "no-ensurepip": (
        "The virtual environment was not created successfully because ensurepip is not\navailable.",
        "ensurepip",
    ),
    "module": ("ModuleNotFoundError: No module named 'distutils'", "distutils"),
    "setuptools": ("error in suds setup command: use_2to3 is invalid.", "use_2to3"),
    "cython": ("Cython.Compiler.Errors.CompileError: pyliblo3/_liblo.pyx", "Cython"),
    "requirement": ("ERROR: No matching distribution found for oldest-supported-numpy==9", "oldest-supported-numpy==9"),
    "download": ("error: <urlopen error [Errno -3] Temporary failure in name resolution>", ""),
    "memory": ("c++: fatal error: Killed signal terminated program cc1plus", ""),
    "disk": ("/tmp/ccX.s: fatal error: error writing to /tmp/ccX.s: No space left on device", ""),
    "mirror": (
        "WARNING: fetching https://mirror.example/v3.23/main/x86_64/APKINDEX.tar.gz: DNS: name does not exist\n"
        "ERROR: unable to select packages:\n  gcc (no such package):",
        "",
    ),
    "no-such-package": ("E: Unable to locate package libwebkit2gtk-4.0-dev", "libwebkit2gtk-4.0-dev"),
    "exception": (
        "RuntimeError: CMake configuration failed with code 1",
        "RuntimeError: CMake configuration failed with code 1",
    ),
    "wheel-failed": ("  ERROR: Failed building wheel for uvloop", "uvloop"),
}
HEADER = "src/a.c:1:10: fatal error: {}: No such file or directory"
MODULE = "Package '{}', required by 'virtual:world', not found"
KINDS = {pattern.id: pattern.kind for pattern in load_patterns().rows}
PIP = """
  error: subprocess-exited-with-error
  × Building wheel for demo (pyproject.toml) did not run successfully.
  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for demo
Failed to build demo
"""


def names(log: str) -> list[str]:
    return [finding.name for finding in read_log(log) if finding.kind != "failed"]


def test_every_pattern_has_a_sample() -> None:
    assert SAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("pattern", SAMPLES)
def test_what_each_pattern_names(pattern: str) -> None:
    log, name = SAMPLES[pattern]
    first = read_log(log + PIP)[0]
    assert (first.kind, first.name) == (KINDS[pattern], name)
    assert first.cause and "{}" not in first.cause


def test_a_step_of_buildkit_and_colours_are_left_out() -> None:
    assert names("#14 23.71 \x1b[31m/bin/sh: 1: swig: not found\x1b[0m") == ["swig"]
    assert names("#9 1.204 make: nasm: No such file or directory") == ["nasm"]


def test_the_first_failure_goes_before_what_follows_from_it() -> None:
    log = f"{HEADER.format('zlib.h')}\n{HEADER.format('png.h')}"
    assert names(log) == ["zlib.h", "png.h"]


def test_a_failure_goes_before_lookups_that_came_earlier() -> None:
    log = f"{MODULE.format('libexslt')}\n{HEADER.format('zlib.h')}"
    assert names(log) == ["zlib.h", "libexslt"]


def test_what_is_only_tried_is_no_failure() -> None:
    probe = "/tmp/H5closeftu5z_mn.c:1:10: fatal error: H5public.h: No such file or directory"
    test = "conftest.c:12:10: fatal error: minix/config.h: No such file or directory"
    assert names(f"{probe}\n{test}\n/usr/bin/ld: cannot find -lz: No such file or directory")[0] == "z"


@pytest.mark.parametrize(
    "noise",
    [
        "checking for library containing opendir... none required",
        "checking for gcc option to accept ISO C99... none needed",
        "checking whether fdatasync is declared... no",
        "-- Looking for explicit_memset - not found",
        "--   CMAKE_CXX_COMPILER: /usr/bin/c++",
        "Run-time dependency libavif found: NO (tried pkgconfig)",
        "warning: no previously-included files matching '*.pyc' found anywhere in distribution",
        "E: Can not write log (Is /dev/pts mounted?) - posix_openpt (2: No such file or directory)",
        "a.c:3:5: warning: implicit declaration of function 'foo' [-Wimplicit-function-declaration]",
        "  copying pkg/errors.py -> build/lib/pkg",
        "file gpsdshm.py (for module gpsdshm) not found",
    ],
)
def test_what_a_build_that_works_writes_too(noise: str) -> None:
    assert read_log(noise) == ()


def test_an_output_that_python_quotes() -> None:
    log = r"b'make: Entering directory\ncc -c a.c\na.c:1:1: fatal error: glib.h: No such file or directory\nmake: ***'"
    assert names(log) == ["glib.h"]


def test_several_things_that_are_missing_each_once() -> None:
    log = f"{MODULE.format('libelf')}\n{MODULE.format('libdw')}\n"
    assert names(log * 3) == ["libelf", "libdw"]


def test_nothing_that_is_known() -> None:
    assert read_log("all is well") == ()
    assert cause_of("all is well") == ""
    assert cause_of("x.c:1:10: fatal error: zlib.h: No such file or directory") == "the header zlib.h is missing"


@settings(max_examples=60, deadline=None)
@given(st.text(), st.sampled_from(sorted(SAMPLES)))
def test_any_text_around_a_failure_is_read(noise: str, pattern: str) -> None:
    findings = read_log(f"{noise}\n{SAMPLES[pattern][0]}\n{noise}")
    assert findings
    assert all(finding.cause and len(finding.line) <= 300 for finding in findings)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([word for row in load_patterns().rows for word in row.has]) | st.text(max_size=9)))
def test_what_patterns_look_for_in_any_order(words: list[str]) -> None:
    read_log("".join(words))


@pytest.mark.parametrize("unit", ["line", "one line"])
def test_a_hostile_log_takes_seconds(unit: str) -> None:
    words = [word for row in load_patterns().rows for word in row.has]
    line = "".join(f"{word} {word}'{word}('[" for word in words) + ("\n" if unit == "line" else "")
    log = line * (100_000_000 // len(line)) + "x" * 5_000_000 + "-- " * 500_000
    start = time.process_time()
    read_log(log)
    assert time.process_time() - start < 10


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_no_pattern_takes_long_on_what_it_half_matches(sample: str) -> None:
    text = SAMPLES[sample][0]
    log = "\n".join(text[:cut] * 300 for cut in range(1, len(text), 5))
    start = time.process_time()
    read_log(log)
    assert time.process_time() - start < 5


ROW = """
probes = "conftest"
[[pattern]]
id = "a"
kind = "header"
rank = 1
has = ["error"]
regex = "error: (.h)"
says = "{} is missing"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('regex = "error: (.h)"', 'regex = "error: (.h"', "a: the regular expression is wrong"),
        ('"error: (.h)"', '"error: .h"', "a: nothing names the header"),
        ('says = "{}', 'name = "z.h"\nsays = "{}', "a: a name is given and matched too"),
        ("rank = 1", "rank = 6", "a: the rank is 1 to 5, not 6"),
        ('has = ["error"]', "has = []", "a: has must name the texts"),
        ('"{} is missing"', '""', "a: nothing is said"),
        ('kind = "header"', 'kind = "heading"', "Invalid enum value 'heading'"),
        ("rank = 1", "rank = 1\nmore = 1", "unknown field `more`"),
        ('probes = "conftest"', 'probes = "(conftest"', "probes: the regular expression is wrong"),
    ],
)
def test_a_table_that_cannot_be_meant_says_where(old: str, new: str, said: str) -> None:
    assert parse_patterns(ROW).rows[0].id == "a"
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_patterns(ROW.replace(old, new))


def test_two_patterns_of_one_name() -> None:
    with pytest.raises(ValueError, match="two patterns"):
        parse_patterns(ROW + ROW.replace('probes = "conftest"', ""))
