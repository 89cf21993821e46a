"""What Meson's build files look for on Linux."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.source.conditions import Interval
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.macros import defined
from wheelbase.source.meson import find_in_meson
from wheelbase.source.tree import SourceTree

PYPROJECT = "[build-system]\nrequires = ['meson-python', 'Cython', 'pybind11']\nbuild-backend = 'mesonpy'\n"


def found(build: str, options: str = "", pyproject: str = PYPROJECT, **others: str) -> list[Evidence | Flag]:
    texts = {"pyproject.toml": pyproject, "meson.build": build, "meson.options": options}
    texts |= {
        path.replace("__", "/").replace("_build", ".build").replace("_wrap", ".wrap"): text
        for path, text in others.items()
    }
    contents = {path: text.encode() for path, text in texts.items()}
    return list(find_in_meson(SourceTree({path: len(data) for path, data in contents.items()}, contents)))


def evidence(build: str, options: str = "", pyproject: str = PYPROJECT, **others: str) -> dict[str, Evidence]:
    listed = [one for one in found(build, options, pyproject, **others) if isinstance(one, Evidence)]
    return {one.name: one for one in listed if one.name != "pkg-config"}


def needs(build: str, options: str = "", pyproject: str = PYPROJECT, **others: str) -> dict[str, str]:
    return {name: one.need for name, one in evidence(build, options, pyproject, **others).items()}


def flags(build: str, options: str = "", pyproject: str = PYPROJECT, **others: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in found(build, options, pyproject, **others) if isinstance(one, Flag)]


def test_languages_and_a_dependency() -> None:
    listed = found("project('x', 'c', 'cpp',\n  version: '1')\nadd_languages('fortran')\nz = dependency('zlib')\n")
    assert listed == [
        Evidence(kind="language", name="c", where="meson.build:1", weight=0.95),
        Evidence(kind="language", name="c++", where="meson.build:1", weight=0.95),
        Evidence(kind="language", name="fortran", where="meson.build:3", weight=0.95),
        Evidence(kind="pkg-config", name="zlib", where="meson.build:4", weight=0.95),
        Evidence(kind="program", name="pkg-config", where="meson.build:4", weight=0.95),
    ]


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("dependency('a', required: false)", {"a": "optional"}),
        ("dependency('a', 'b')", {"a": "required", "b": "optional"}),
        ("dependency(['a', 'b'])", {"a": "required", "b": "optional"}),
        ("dependency('')", {}),
        ("x = [\r\n  dependency('a'),\r\n]\r\n", {"a": "required"}),
        ("dependency('threads')\ndependency('pybind11')\ndependency('python3')\ndependency('openmp')", {}),
        ("cc = meson.get_compiler('c')\ncc.find_library('jpeg')\ncc.find_library('m')", {"jpeg": "required"}),
        ("meson.get_compiler('c').has_header('x.h')", {"x.h": "optional"}),
        ("meson.get_compiler('c').has_header('x.h', required: true)", {"x.h": "required"}),
        ("find_program('swig')\nfind_program('python3')\nfind_program('cython')", {"swig": "required"}),
        ("find_program('tools/gen.py')", {}),
        ("dependency('boost', modules: ['system'])", {"boost/version.hpp": "required"}),
        (
            "dependency('boost', modules: ['system', 'regex', 'log'])",
            {"boost_regex": "required", "boost_log": "required"},
        ),
        ("dependency('pcap', method: 'config-tool')", {"pcap-config": "required"}),
        ("dependency('GEOS', method: 'cmake')", {"GEOS": "required"}),
        ("dependency('qt6', modules: ['Widgets'])", {"Qt6Widgets": "required"}),
        ("dependency('openblas')", {"openblas": "required"}),
        ("dependency('lapack')", {"interface/lapack": "required"}),
    ],
)
def test_kinds(build: str, expected: dict[str, str]) -> None:
    assert needs(build) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("host_machine.system() == 'linux'", "required"),
        ("host_machine.system() == 'windows'", None),
        ("host_machine.system() != 'darwin'", "required"),
        ("host_machine.system() in ['darwin', 'freebsd']", None),
        ("host_machine.system() not in ['darwin']", "required"),
        ("host_machine.cpu_family() == 'x86_64'", "optional"),
        ("not (host_machine.system() == 'windows')", "required"),
        ("host_machine.system() == 'windows' and unknown()", None),
        ("host_machine.system() == 'linux' and unknown()", "optional"),
        ("host_machine.system() == 'linux' or unknown()", "required"),
        ("unknown() or false", "optional"),
        ("cc.get_id() == 'msvc'", None),
        ("meson.is_subproject()", None),
        ("system.startswith('lin')", "required"),
        ("{'a': true}.get('a')", "required"),
        ("f'@system@x' == 'linuxx'", "required"),
        ("['a', 'b'].contains('b')", "required"),
        ("1 + 1 > 1", "required"),
        ("'a' / 'b' == 'a/b'", "required"),
        ("[system][0] == 'linux'", "required"),
    ],
)
def test_conditions(condition: str, expected: str | None) -> None:
    build = f"cc = meson.get_compiler('c')\nsystem = host_machine.system()\nif {condition}\n  dependency('a')\nendif\n"
    assert needs(build).get("a") == expected
    assert (
        needs(build.replace("if ", "if not (").replace("\n  dep", ")\n  dep")).get("a")
        == {
            "required": None,
            None: "required",
            "optional": "optional",
        }[expected]
    )


def test_the_condition_is_kept_as_written() -> None:
    assert evidence("if foo()\n  dependency('a')\nelse\n  dependency('b')\nendif")["a"].condition == "if foo()"
    assert evidence("if foo()\nelse\n  dependency('b')\nendif")["b"].condition == "else of: if foo()"


OPTIONS = """option('on', type: 'boolean')
option('off', type: 'boolean', value: false)
option('auto', type: 'feature')
option('yes', type: 'feature', value: 'enabled')
option('no', type: 'feature', value: 'disabled')
option('which', type: 'combo', choices: ['ssl', 'tls'])
option('many', type: 'array', choices: ['a', 'b'], value: ['b'])
"""


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("dependency('a', required: get_option('on'))", "required"),
        ("dependency('a', required: get_option('off'))", "optional"),
        ("dependency('a', required: get_option('auto'))", "optional"),
        ("dependency('a', required: get_option('yes'))", "required"),
        ("dependency('a', required: get_option('no'))", None),
        ("if get_option('which') == 'tls'\ndependency('a')\nendif", None),
        ("if 'b' in get_option('many')\ndependency('a')\nendif", "required"),
        ("if get_option('auto').disabled()\ndependency('a')\nendif", None),
        ("if get_option('no').allowed()\ndependency('a')\nendif", None),
        ("dependency('a', required: get_option('auto').require(host_machine.system() == 'windows'))", None),
        ("dependency('a', required: get_option('auto').enable_auto_if(true))", "required"),
        ("dependency('a', required: get_option('auto').disable_auto_if(true))", None),
        ("if get_option('stated elsewhere')\ndependency('a')\nendif", "optional"),
        ("project('x', default_options: ['off=true'])\ndependency('a', required: get_option('off'))", "required"),
        (
            "project('x', default_options: ['auto_features=disabled'])\ndependency('a', required: get_option('auto'))",
            None,
        ),
    ],
)
def test_options(build: str, expected: str | None) -> None:
    assert needs(build, OPTIONS).get("a") == expected


def test_settings_of_pyproject() -> None:
    settings = (
        PYPROJECT + "[tool.meson-python.args]\nsetup = ['-Doff=true', '-Dauto=enabled', '-Dwhich=tls', '-Dmany=a']\n"
    )
    build = """project('x', default_options: ['off=false'])
dependency('a', required: get_option('off'))
dependency('b', required: get_option('auto'))
dependency(get_option('which'))
if get_option('many') == ['a']
  dependency('d')
endif
"""
    assert needs(build, OPTIONS, settings) == {"a": "required", "b": "required", "tls": "required", "d": "required"}


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("a = dependency('a', required: false)\nif not a.found()\n  error('no')\nendif", {"a": "required"}),
        ("a = dependency('a', required: false)\nif a.found()\nelse\n  error('no')\nendif", {"a": "required"}),
        ("a = dependency('a', required: false)\nassert(a.found())", {"a": "required"}),
        (
            "a = dependency('a', required: false)\nhave = a.found()\nif not have\n  error('no')\nendif",
            {"a": "required"},
        ),
        (
            "a = dependency('a', required: false)\nif not a.found()\n  dependency('b')\nendif",
            {"a": "required", "b": "optional"},
        ),
        (
            "a = dependency('a', required: false)\nif not a.found() and unknown()\n  error('no')\nendif",
            {"a": "optional"},
        ),
        (
            "a = dependency('a', required: false)\nif not a.found() or unknown()\n  error('no')\nendif",
            {"a": "required"},
        ),
        (
            "a = dependency('a', required: false)\nb = dependency('b', required: false)\n"
            "if not (a.found() and b.found())\n  error('no')\nendif",
            {"a": "required", "b": "required"},
        ),
        (
            "a = dependency('a', required: false)\nb = dependency('b', required: false)\n"
            "if not a.found() and not b.found()\n  error('no')\nendif",
            {"a": "required", "b": "optional"},
        ),
        (
            "a = dependency('a', required: false)\nb = dependency('b', required: false)\n"
            "if a.found()\n x = 1\nelif b.found()\n x = 2\nelse\n  error('no')\nendif",
            {"a": "required", "b": "optional"},
        ),
        ("a = dependency('a')\nif not a.found()\n  dependency('b')\nendif", {"a": "required"}),
        ("if unknown()\n  x = dependency('a')\nelse\n  x = dependency('b')\nendif", {"a": "optional", "b": "optional"}),
        (
            "if unknown()\n  x = dependency('a', required: false)\n"
            "else\n  x = dependency('b', required: false)\nendif\n"
            "if not x.found()\n  error('no')\nendif",
            {"a": "required", "b": "optional"},
        ),
    ],
)
def test_alternatives(build: str, expected: dict[str, str]) -> None:
    assert needs(build) == expected


def test_variables_that_branches_leave_different() -> None:
    build = "which = 'a'\nif unknown()\n  which = 'b'\nendif\nif which == 'a'\n  dependency('x')\nendif\n"
    assert needs(build) == {"x": "optional"}


def test_loops() -> None:
    assert needs("foreach name : ['a', 'b']\n  dependency(name)\nendforeach") == {"a": "required", "b": "required"}
    assert needs(
        "foreach name, wanted : {'a': true, 'b': false}\n  dependency(name, required: wanted)\nendforeach"
    ) == {
        "a": "required",
        "b": "optional",
    }
    build = "names = ['a']\nif unknown()\n  names += 'b'\nendif\nforeach name : names\n  dependency(name)\nendforeach"
    assert needs(build) == {"a": "optional", "b": "optional"}


def test_a_choice_of_blas() -> None:
    options = "option('blas', type: 'string', value: 'openblas')"
    assert needs("dependency(get_option('blas'))", options) == {"interface/blas": "required"}


def test_subdirectories_share_variables() -> None:
    listed = evidence(
        "name = 'a'\nsubdir('src')\ndependency(later)",
        src__meson_build="dependency(name)\nlater = 'b'\nsubdir_done()\ndependency('c')",
    )
    assert {name: (one.where, one.weight) for name, one in listed.items()} == {
        "a": ("src/meson.build:1", 0.9),
        "b": ("meson.build:3", 0.95),
    }


WRAP = "[wrap-file]\ndirectory = zlib-1.3\nsource_url = https://example.org/zlib.tar.gz\n[provide]\nzlib = zlib_dep\n"


def test_a_wrapped_dependency_is_downloaded_where_the_system_has_none() -> None:
    assert needs("dependency('zlib')", subprojects__z_wrap=WRAP) == {"zlib": "required"}
    assert flags("dependency('zlib')", subprojects__z_wrap=WRAP) == [
        ("download", "z is downloaded from https://example.org/zlib.tar.gz, where the system has none")
    ]
    assert flags("dependency('zlib', required: false)", subprojects__z_wrap=WRAP) == []
    assert flags("dependency('zlib', allow_fallback: false)", subprojects__z_wrap=WRAP) == []


def test_a_fallback_is_of_no_use_without_its_sources() -> None:
    assert needs("dependency('zlib', fallback: ['z', 'zlib_dep'])") == {"zlib": "required"}
    settings = PYPROJECT + "[tool.meson-python.args]\nsetup = ['--wrap-mode=nofallback']\n"
    assert needs("dependency('zlib')", "", settings, subprojects__z_wrap=WRAP) == {"zlib": "required"}


INNER = "project('z', 'cpp')\ndependency('inner')\n"


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("subproject('z')", "required"),
        ("subproject('z', required: false)", "optional"),
        ("if unknown()\n  subproject('z')\nendif", "optional"),
        ("subproject('z', required: get_option('f'))", "optional"),
        ("dependency('zlib', fallback: 'z')", "required"),
        ("dependency('zlib', fallback: 'z', required: false)", "optional"),
        ("dependency('z')", "required"),
        ("subproject('z', required: get_option('off'))", None),
        ("if host_machine.system() == 'windows'\n  subproject('z')\nendif", None),
        ("dependency('zlib', allow_fallback: false)", None),
    ],
)
def test_what_the_subprojects_in_the_archive_need(build: str, expected: str | None) -> None:
    options = "option('f', type: 'feature')\noption('off', type: 'feature', value: 'disabled')\n"
    told = evidence(build, options, subprojects__z__meson_build=INNER)
    assert told["inner"].need == expected if expected else "inner" not in told
    assert flags(build, options, subprojects__z__meson_build=INNER) == []


def test_a_dependency_with_its_sources_in_the_archive_is_not_needed() -> None:
    told = evidence("dependency('zlib')", subprojects__z_wrap=WRAP, **{"subprojects__zlib-1.3__meson_build": INNER})
    assert (told["zlib"].need, told["zlib"].bundled) == ("optional", True)
    assert (told["inner"].need, told["c++"].need) == ("required", "required")


def test_a_subproject_without_its_sources_is_downloaded() -> None:
    assert flags("subproject('z')", subprojects__z_wrap=WRAP) == [
        ("download", "z is downloaded from https://example.org/zlib.tar.gz")
    ]


@pytest.mark.parametrize(
    ("build", "settings", "expected"),
    [
        ("subproject('z')", "", {"a"}),
        ("subproject('z', default_options: ['a=false', 'b=true'])", "", {"b"}),
        ("subproject('z', default_options: {'a': 'false'})", "", set()),
        ("dependency('z', default_options: ['a=false'])", "", set()),
        ("subproject('z', default_options: ['b=false'])", "'-Dz:b=true', '-Db=false'", {"a", "b"}),
    ],
)
def test_options_of_subprojects(build: str, settings: str, expected: set[str]) -> None:
    inner = "if get_option('a')\n  dependency('a')\nendif\nif get_option('b')\n  dependency('b')\nendif\n"
    options = "option('a', type: 'boolean')\noption('b', type: 'boolean', value: false)\n"
    pyproject = PYPROJECT + f"[tool.meson-python.args]\nsetup = [{settings}]\n"
    files = {"subprojects__z__meson_build": inner, "subprojects/z/meson.options": options}
    assert evidence(build, "", pyproject, **files).keys() & {"a", "b"} == expected


def test_where_subprojects_are_sought() -> None:
    nested = {"subprojects__a__meson_build": "dependency('b')", "subprojects__b__meson_build": INNER}
    assert evidence("subproject('a')", **nested)["inner"].need == "required"
    inside = {"subprojects__a__meson_build": "subproject('b')", "subprojects__a__subprojects__b__meson_build": INNER}
    assert evidence("subproject('a')", **inside)["inner"].need == "required"
    moved = evidence("project('x', subproject_dir: 'deps')\nsubproject('z')", deps__z__meson_build=INNER)
    assert moved["inner"].need == "required"


def test_what_a_subproject_provides_is_not_sought() -> None:
    inner = "meson.override_dependency('zlib', declare_dependency())\n"
    assert needs("subproject('z')\ndependency('zlib')", subprojects__z__meson_build=inner) == {"z": "optional"}


@pytest.mark.parametrize(
    "build",
    [
        "b = dependency('b', required: not a.found())",
        "missing = a.found() ? false : true\nb = dependency('b', required: missing)",
        "found = false\nif a.found()\n  found = true\nendif\ndependency('b', required: not found)",
        "if a.found()\n  c = a\nelse\n  c = disabler()\nendif\ndependency('b', required: not c.found())",
    ],
)
def test_what_is_required_unless_something_else_is_there(build: str) -> None:
    assert needs(f"a = dependency('a', required: false)\n{build}") == {"a": "optional", "b": "required"}


def test_versions_are_flagged() -> None:
    assert flags("dependency('a', version: ['>=1', '<3'])\ndependency('b', version: '>=1', required: false)") == [
        ("version", "a >=1"),
        ("version", "a <3"),
    ]


def test_a_build_that_another_backend_runs() -> None:
    listed = evidence("dependency('a')", "", "")
    assert listed["a"].need == "optional"
    assert listed["a"].weight == pytest.approx(0.24)
    assert found("dependency('a')", "", "")
    assert list(find_in_meson(SourceTree({}, {}))) == []


@pytest.mark.parametrize(
    "build",
    [
        "dependency(",
        "if x",
        "'",
        "x = " + "(" * 50_000,
        "x = ['a']\n" + "x += x\n" * 5_000,
        "x = [1,2,3,4,5,6,7,8,9]\n"
        + "".join(f"foreach a{i} : x\n" for i in range(9))
        + "dependency('a')\n"
        + "endforeach\n" * 9,
        "f(" + "a: 1," * 10_000 + ")",
        "x = 1\n" * 100_000,
        "x = " + "'a' + " * 20_000 + "'a'",
    ],
)
def test_broken_or_huge_files_are_flagged(build: str, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.process_time()
    assert [kind for kind, _ in flags(build)] == ["unreadable"]
    assert time.process_time() - start < 5
    assert capsys.readouterr() == ("", "")


def test_the_parser_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert needs("return = 'a\n'\ndependency('z', required: true, required: true)") == {"z": "required"}
    assert capsys.readouterr() == ("", "")


WORDS = st.sampled_from(
    "dependency('a') x = not and or in [ ] ( ) { } : , 'a' == != if elif else endif foreach endforeach break \n \n \n"
    " true false 1 + += . found() x x.found() subdir('a') subproject('a') get_option('o') error('') required: assert("
    " f'@x@' ?".split(" ")
)


@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=100))
def test_junk(text: str) -> None:
    for one in found(text, text, a__meson_build=text, subprojects__a__meson_build=text, subprojects__a_wrap=text):
        assert ":" in one.where


def test_what_is_looked_for_where_a_system_lacks_another() -> None:
    listed = evidence("dependency('a', 'b', 'c')")
    assert [listed[name].instead_of for name in "abc"] == ["", "pkg-config a", "pkg-config a"]
    build = "d = dependency('a', required: false)\nif not d.found()\n  meson.get_compiler('c').find_library('b')\nendif"
    listed = evidence(build)
    assert (listed["a"].need, listed["b"].instead_of) == ("required", "pkg-config a")


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ("d = declare_dependency(link_args: ['-lfoo', '-lm', '-pthread'])", {"foo": "optional"}),
        ("d = declare_dependency(link_args: '-lfoo')\nlibrary('x', 'x.c', dependencies: d)", {"foo": "required"}),
        (
            "d = declare_dependency(link_args: '-lfoo')\ne = declare_dependency(dependencies: [d])\n"
            "library('x', 'x.c', dependencies: [e])",
            {"foo": "required"},
        ),
        ("library('x', link_args: ['-L/own', '-lfoo'])", {"foo": "optional"}),
        ("import('python').find_installation().extension_module('m', 'm.c', link_args: '-lfoo')", {"foo": "required"}),
        ("shared_library('m', 'm.c', link_args: ['-lfoo'])", {"foo": "required"}),
        ("add_project_link_arguments('-lfoo', language: 'c')", {"foo": "required"}),
        ("run_command('pkg-config', '--libs', 'foo', check: true)", {"foo": "required"}),
        ("run_command('pkg-config', '--libs', 'foo')", {"foo": "optional"}),
        ("run_command('foo-config', '--libs', check: true)", {"foo-config": "required"}),
        ("run_command('cat', 'VERSION', check: true)\nrun_command('./x.py', check: true)", {}),
        ("meson.get_compiler('c').find_library('foo', dirs: [''])", {"foo": "required"}),
        ("meson.get_compiler('c').find_library('foo', dirs: ['/own'])", {}),
    ],
)
def test_what_is_linked_and_run(build: str, expected: dict[str, str]) -> None:
    assert needs(build) == expected


def test_macros_that_a_project_defines() -> None:
    build = """project('x')
add_project_arguments('-DA', ['-DB=1'], language: 'c')
if meson.get_compiler('c').has_header('x.h')
  add_project_arguments('-DC', language: 'c')
endif
shared_library('m', 'm.c', c_args: ['-O2', '-DD'])
"""
    files = {"pyproject.toml": PYPROJECT.encode(), "meson.build": build.encode()}
    tree = SourceTree({path: len(data) for path, data in files.items()}, files)
    list(find_in_meson(tree))
    assert defined(tree) == dict.fromkeys("ABD", Interval(1, 1))


def test_programs_that_are_built_on_a_condition() -> None:
    build = """project('x')
no = dependency('a', required: false, disabler: true)
yes = dependency('b', disabler: true)
executable('p', 'p.c', 'shared.c', dependencies: [no])
executable('q', 'q.c', dependencies: [yes])
if no.found()
  executable('r', 'r.c')
endif
shared_library('s', 'shared.c')
if host_machine.system() == 'windows'
  shared_library('w', 'w.c', 'shared.c')
endif
"""
    files = {"pyproject.toml": PYPROJECT.encode(), "meson.build": build.encode(), "w.c": b"", "shared.c": b""}
    tree = SourceTree({path: len(data) for path, data in files.items()}, files)
    list(find_in_meson(tree))
    assert set(tree.conditional) == {"p.c", "r.c", "w.c"}


def test_sources_that_are_named_on_a_condition() -> None:
    build = """project('x', 'c')
a = dependency('a', required: false)
sources = ['m.c']
if a.found()
  sources += ['with.c', 'm.c']
endif
library('x', sources)
"""
    files = {"pyproject.toml": PYPROJECT.encode(), "meson.build": build.encode(), "m.c": b"", "with.c": b""}
    tree = SourceTree({path: len(data) for path, data in files.items()}, files)
    list(find_in_meson(tree))
    assert (set(tree.conditional), tree.built) == ({"with.c"}, {"m.c", "with.c"})


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("'SDL@0@'.format(get_option('api'))", "SDL2"),
        ("'SDL-2'.underscorify()", "SDL_2"),
        ("'SDLx'.replace('x', '2')", "SDL2"),
    ],
)
def test_names_that_are_put_together(name: str, asked: str) -> None:
    build = f"project('p', 'c')\ndependency({name})\n"
    names = {one.name for one in found(build, "option('api', type: 'integer', value: 2)") if isinstance(one, Evidence)}
    assert asked in names


@pytest.mark.parametrize(("folder", "needed"), [("/usr/lib", True), ("/opt/local/lib", True), ("vendor/x", False)])
def test_a_library_in_folders_of_the_system(folder: str, needed: bool) -> None:
    build = f"project('p', 'c')\nmeson.get_compiler('c').find_library('chm', dirs: ['{folder}'])\n"
    assert ("chm" in {one.name for one in found(build) if isinstance(one, Evidence)}) is needed


def test_python_is_cpython() -> None:
    build = (
        "project('p', 'c')\npy = import('python').find_installation(pure: false)\n"
        "if py.get_variable('implementation_lower', '') != 'pypy'\n  dependency('libunwind')\nendif\n"
    )
    assert [one.need for one in found(build) if isinstance(one, Evidence) and one.name == "libunwind"] == ["required"]


def test_a_variable_of_another_python_is_false() -> None:
    text = "is_pypy = run_command('python', '-c', 'x', check: true).stdout() == 'True'\n"
    assert needs(text + "if not is_pypy\n  dependency('a')\nelse\n  dependency('b')\nendif\n") == {"a": "required"}


def test_libraries_that_are_tried_one_after_another_before_an_error() -> None:
    text = (
        "deps = [dependency('a', required: false)]\n"
        "if not deps[0].found()\n  deps = [dependency('b', required: false)]\n"
        "  other = dependency('c', required: false)\n  if other.found()\n    deps += other\n  endif\nendif\n"
    )
    stop = "if not deps[0].found() and not get_option('without')\n  error('none')\nendif\n"
    option = "option('without', type: 'boolean', value: false)\n"
    assert needs(text + stop, option)["a"] == "required"
    assert needs(text, option)["a"] == "optional"


def test_a_script_that_is_run_and_downloads() -> None:
    script = {"tools__get.py": "import urllib.request\nurllib.request.urlopen('https://a.example')\n"}
    assert flags("run_command(py, files('tools/get.py'))\n", **script) == [
        ("download", "tools/get.py downloads something")
    ]
    assert flags("install_data('tools/get.py')\n", **script) == []


def test_what_every_branch_requires_is_required() -> None:
    one = "dependency('one')"
    text = "project('a')\nif unknown(){0}\nelse\n{1}\nendif\n"
    assert needs(text.format(f"\n{one}\ndependency('two')", one)) == {"one": "required", "two": "optional"}
    assert needs(text.format(f"\n{one}\nelif other()\n{one}", one)) == {"one": "required"}
    assert needs(text.format(f"\n{one}", "dependency('one', required: false)")) == {"one": "optional"}
    assert needs(f"project('a')\nif unknown()\n{one}\nendif\n") == {"one": "optional"}


def test_all_modules_of_qt() -> None:
    text = "project('a')\ndependency('qt5', modules: ['Core', 'Svg'])\n"
    assert needs(text) == {"Qt5Core": "required", "Qt5Svg": "required"}


def test_dependencies_that_programs_tell_of() -> None:
    assert {(one.kind, one.name) for one in evidence("project('a')\ndependency('wxwidgets')\n").values()} == {
        ("program", "wx-config")
    }


def test_modules_that_a_pkg_config_which_was_found_is_asked_for() -> None:
    for program in ("'pkg-config'", "find_program('pkg-config')"):
        text = f"project('a', 'c')\nhow = run_command({program}, '--libs', 'lapack', 'blas', check: true)\n"
        assert needs(text) == {"c": "required", "lapack": "required", "blas": "required"}


def test_what_fortran_has_of_netcdf() -> None:
    assert "netcdf-fortran" in needs("project('a', 'c')\ndependency('netcdf', language: 'fortran')\n")
    assert "netcdf" in needs("project('a', 'c')\ndependency('netcdf', language: 'c')\n")


def test_of_several_that_a_loop_tries_the_first_is_needed() -> None:
    text = """\
found = false
foreach name : ['a', 'b']
  one = dependency(name, required : false)
  if one.found()
    found = true
    break
  endif
endforeach
if not found
  error('none')
endif
"""
    assert needs(text) == {"a": "required", "b": "optional"}
