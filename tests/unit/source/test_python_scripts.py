"""What build scripts ask for on Linux: each rule on a small script, and junk that must not do harm."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree


def find(script: str | bytes, **more: str) -> list[Evidence | Flag]:
    files = {"setup.py": script.encode() if isinstance(script, str) else script}
    files |= {path.replace("__", "/").replace("_DOT_", "."): text.encode() for path, text in more.items()}
    return find_in({path: data for path, data in files.items() if data})


def tree_of(files: dict[str, bytes]) -> SourceTree:
    return SourceTree({path: len(data) for path, data in files.items()}, files)


def find_in(files: dict[str, bytes]) -> list[Evidence | Flag]:
    return list(find_in_python(tree_of(files)))


def names(script: str, kind: str = "library", need: str = "required", **more: str) -> set[str]:
    return {e.name for e in find(script, **more) if isinstance(e, Evidence) and e.kind == kind and e.need == need}


def one(script: str, **more: str) -> Evidence:
    (found,) = (item for item in find(script, **more) if isinstance(item, Evidence))
    return found


START = """\
import os, sys, platform, subprocess, sysconfig, shutil
from setuptools import setup, Extension
"""
EXT = "\nsetup(ext_modules=[Extension('a', ['a.c'], libraries=libs)])\n"


def test_the_libraries_of_an_extension() -> None:
    found = one(
        "from setuptools import *\nsetup(ext_modules=[\n Extension('a', ['a.c'],\n  libraries=['xml2', 'm'])])\n"
    )
    assert (found.kind, found.name, found.need, found.weight) == ("library", "xml2", "required", 0.9)
    assert found.where == "setup.py:4"


@pytest.mark.parametrize(
    "assigned",
    [
        "libs = ['one', 'two']",
        "libs = ['one'] + ['two']",
        "libs = ['one']\nlibs += ['two']",
        "libs = ['one']\nlibs.append('two')",
        "libs = []\nlibs.extend(('one', 'two'))",
        "libs = ['two']\nlibs.insert(0, 'one')",
        "libs = [name for name in ('one', 'two')]",
        "libs = 'one two'.split()",
        "libs = list({'a': 'one', 'b': 'two'}.values())",
        "def give(more=('two',)):\n    return ['one', *more]\nlibs = give()",
        "class C:\n    libs = ['one']\n    def all(self):\n        return self.libs + ['two']\nlibs = C().all()",
        "table = dict(libraries=['one'])\ntable['libraries'].append('two')\nlibs = table['libraries']",
        "x = {'linux': ['one', 'two'], 'win32': ['three']}\nlibs = x[sys.platform]",
        "x = {'linux': ['one', 'two'], 'win32': ['three']}\nlibs = x.get(sys.platform, [])",
        "libs = []\nfor name in ['one', 'two', 'three']:\n    if name != 'three':\n        libs.append(f'{name}')",
        "libs = ['%s' % 'one', '{}o'.format('tw')]",
        "end = '' if shutil.which('a') is None else read()\nlibs = [f'one{end}', 'two' + end]",
        "libs = ['one']\nlibs = ['three'] if sys.platform == 'win32' else libs + ['two']",
        "with open('x') as f:\n    libs = ['one', 'two']",
        "libs: list[str] = ['one', 'two', 'three'][:2]",
    ],
)
def test_lists_are_followed_to_where_they_are_used(assigned: str) -> None:
    assert names(START + assigned + EXT) == {"one", "two"}


def test_a_program_that_tells_which_release_there_is() -> None:
    assert names("import subprocess\nversion = subprocess.check_output(['rpm', '--version'])\n", "program") == {"rpm"}


def test_endings_that_may_be_empty_are_no_words_and_no_answers() -> None:
    for end in ("'' if unknown() else read()", "'' if shutil.which('x') is None else read(shutil.which('x'))"):
        assert names(f"{START}end = {end}\nlibs = ['one' + end, end + 'two']{EXT}") == {"one"}
    asked = """
def run(command):
    try:
        return subprocess.check_output(command, shell=True).decode()
    except subprocess.CalledProcessError:
        return ''
flags = run('pkg-config --cflags one') + ' ' + run('pkg-config --libs one')
if not flags.strip():
    sys.exit('one is needed')
"""
    assert names(START + asked + "setup()\n", "pkg-config") == {"one"}


def test_shared_libraries_of_setuptools_are_linked_like_extensions_which_may_be_linked_with_them() -> None:
    script = "from setuptools.extension import Library\nlib = Library('p.lib.core', ['b.c'], libraries=['one'])\n"
    extension = "setup(ext_modules=[lib, Extension('p.a', ['a.c'], libraries=['core', 'two'])])\n"
    assert names(START + script + extension) == {"one", "two"}
    own = "class Library:\n    def __init__(self, name, files, libraries):\n        pass\nLibrary('a', [], ['one'])\n"
    assert names(START + own) == set()


@pytest.mark.parametrize(
    ("lines", "libraries"),
    [
        ("libs = ['one']\nif os.path.exists('setup.py'):\n    libs = ['two']\n", {"two"}),
        ("libs = ['one']\nif unknown:\n    libs = ['two']\n", {"one"}),
        ("for libs in (['one'], ['two']):\n    pass\n", {"one", "two"}),
        ("libs = ['one']\nmake(libs)\nlibs = ['two']\n", {"one", "two"}),
        ("libs = ['one']\nlibs = libs + ['two']\n", {"one", "two"}),
    ],
)
def test_a_list_that_another_takes_the_place_of_before_anything_uses_it(lines: str, libraries: set[str]) -> None:
    assert names(f"{START}{lines}setup(ext_modules=unseen())\n") == libraries


def test_a_list_that_another_takes_the_place_of_on_the_same_condition() -> None:
    lines = "if unknown:\n    libs = ['one']\n    libs = ['two']\n"
    assert names(f"{START}{lines}setup(ext_modules=unseen())\n", need="optional") == {"two"}


def test_functions_that_walk_through_folders_by_calling_themselves_are_followed() -> None:
    script = """
def find(path, found=None):
    if found is None:
        found = []
    if os.path.isfile(path):
        if path.endswith('.cpp'):
            found.append(path)
        return found
    for name in os.listdir(path):
        find(os.path.join(path, name), found)
    return found
setup(ext_modules=[Extension('a', find('src'))])
"""
    files = dict.fromkeys(("src/a.cpp", "src/a.h", "src/deep/b.cpp", "other/c.cpp"), b"int x;")
    files["setup.py"] = (START + script).encode()
    tree = tree_of(files)
    assert list(find_in_python(tree)) == []
    assert tree.built == {"src/a.cpp", "src/deep/b.cpp"}


def test_functions_that_call_themselves_without_end_are_left() -> None:
    forever = "def f(x):\n    g = f(x + 'a')\n    return f(x) + f(g) + ['one']\nlibs = ['two', *f('a')]\n"
    start = time.monotonic()
    assert "two" in names(START + forever + EXT)
    assert time.monotonic() - start < 2


def test_what_is_added_after_an_extension_was_made_counts() -> None:
    assert names(START + "e = Extension('a', ['a.c'])\ne.libraries.append('x')\ne.libraries += ['y']\n") == {"x", "y"}


def test_keywords_in_a_dictionary() -> None:
    script = "def ext(name, **kw):\n    return Extension(name, [name], **kw)\n"
    script += "opts = {'libraries': ['x']}\next('a', **opts)\n"
    assert names(START + script) == {"x"}


def test_options_of_the_linker_and_objects() -> None:
    options = "extra_link_args=['-lfoo', '-Wl,-O1', '-L/usr/lib'], extra_objects=['/usr/lib/libbar.a']"
    script = f"Extension('a', ['a.c'], {options})"
    assert names(START + script) == {"foo", "bar"}
    exact = "Extension('a', ['a.c'], libraries=[':libfoo.a', ':libudev.so.1'], extra_link_args=['-l:libbar.so'])"
    assert names(START + exact) == {"foo", "bar"}


def test_libraries_of_the_system_and_of_the_archive_are_left_out() -> None:
    script = "libs = ['m', 'dl', 'pthread', 'stdc++', 'ws2_32', 'own', 'z']\n"
    script += "setup(libraries=[('own', {'sources': ['a.c']})])"
    assert names(START + script + EXT) == {"z"}


LIVE = [
    "sys.platform == 'linux'",
    "sys.platform.startswith('linux')",
    "'linux' in sys.platform",
    "os.name == 'posix'",
    "os.name != 'nt'",
    "platform.system() == 'Linux'",
    "platform.python_implementation() == 'CPython'",
    "sys.implementation.name == 'cpython'",
    "sys.platform not in ('win32', 'cygwin', 'darwin')",
    "not sys.platform.startswith(('win', 'darwin'))",
    "sys.version_info >= (3,)",
    "sys.version_info[0] >= 3",
    "sys.version_info.major == 3 and sys.version_info > (3, 7)",
    "sys.maxsize > 2**32 or True",
    "not os.environ.get('NO_FOO')",
    "os.environ.get('FOO', '1') == '1'",
    "'--without-x' not in sys.argv",
    "not IS_WIN",
    "not is_windows()",
    "sysconfig.get_platform().startswith('linux')",
    "not os.getenv('NO_FOO', '').lower() in ('1', 'yes')",
    "not bool(int(os.environ.get('NO_FOO', 0)))",
    "not (sys.platform == 'win32' or probe())",
    "hasattr(sys, 'getwindowsversion') is False",
    "hasattr(os, 'uname')",
    "os.path.exists('src/there.c')",
]


@pytest.mark.parametrize("test", LIVE)
def test_conditions_that_hold_on_linux(test: str) -> None:
    before = "IS_WIN = sys.platform == 'win32'\ndef is_windows():\n    return os.name == 'nt'\nlibs = []\n"
    # Where the other branch is a matter of the environment, it is kept as optional.
    script = START + before + f"if {test}:\n    libs.append('live')\nelse:\n    libs.append('dead')\n" + EXT
    if "or True" in test or "not (sys.platform" in test:
        assert "live" in names(script) | names(script, need="optional")
    else:
        assert names(script, src__there_DOT_c="x") == {"live"}


@pytest.mark.parametrize(
    "test",
    [
        "sys.platform == 'win32'",
        "sys.platform[:3] == 'win'",
        "platform.system().lower() == 'darwin'",
        "sys.version_info < (3, 0)",
        "sys.version_info[0] == 2",
        "'PyPy' in sys.version",
        "sys.platform == 'win32' and probe()",
        "False",
        "compiler.compiler_type == 'msvc'",
    ],
)
def test_conditions_that_never_hold_on_linux(test: str) -> None:
    script = START + f"libs = []\nif {test}:\n    libs.append('dead')\n" + EXT
    assert find(script) == []


@pytest.mark.parametrize(
    "test",
    [
        "os.environ.get('WITH_FOO')",
        "'--with-foo' in sys.argv",
        "probe()",
        "sys.version_info >= (3, 12)",
        "'X' in os.environ",
    ],
)
def test_conditions_that_are_not_known_make_it_optional(test: str) -> None:
    found = one(START + f"libs = []\nif {test}:\n    libs.append('foo')\n" + EXT)
    assert (found.name, found.need) == ("foo", "optional")
    assert found.condition == test


def test_a_long_condition_is_cut() -> None:
    found = one(START + f"libs = []\nif probe('{'x' * 200}'):\n    libs.append('foo')\n" + EXT)
    assert len(found.condition) <= 80 and "\n" not in found.condition


def test_both_branches_that_link_the_same_require_it() -> None:
    script = "libs = []\nif probe():\n    libs.append('foo')\nelse:\n    libs += ['foo', 'bar']\n"
    assert names(START + script + EXT) == {"foo"}
    assert names(START + script + EXT, need="optional") == {"bar"}


def test_what_follows_a_return_or_an_exit() -> None:
    script = """
def libraries():
    if sys.platform == 'win32':
        return ['dead']
    if not probe():
        raise RuntimeError
    return ['live']
libs = libraries()
if not other():
    sys.exit(1)
libs.append('more')
"""
    assert names(START + script + EXT) == {"live", "more"}
    assert (
        names(START + "def get():\n    if probe():\n        return ['x']\n    return ['y']\nlibs = get()" + EXT)
        == set()
    )


def test_elif_and_match() -> None:
    script = """
if sys.platform == 'win32':
    libs = ['a']
elif sys.platform.startswith('linux'):
    libs = ['b']
else:
    libs = ['c']
match sys.platform:
    case 'darwin':
        libs.append('d')
    case 'linux' | 'linux2':
        libs.append('e')
    case _:
        libs.append('f')
"""
    assert names(START + script + EXT) == {"b", "e"}


def test_functions_and_classes_for_other_systems_are_dead() -> None:
    script = "def find_msvc():\n    return ['x']\nclass WindowsExt:\n    libraries = ['y']\nlibs = find_msvc() or ['z']"
    assert names(START + script + EXT) == {"z"}


@pytest.mark.parametrize(
    "call",
    [
        "subprocess.check_output(['pkg-config', '--cflags', 'libfoo'])",
        "subprocess.getoutput('pkg-config --libs libfoo >= 1.2')",
        "os.popen('pkg-config --libs \"libfoo >= 1.2\"').read()",
        "name = 'libfoo'\nsubprocess.run(f'pkg-config --cflags {name}', shell=True)",
        "subprocess.check_output([os.environ.get('PKG_CONFIG', 'pkg-config'), '--libs', 'libfoo'])",
        "subprocess.check_output('{} --libs {}'.format('pkg-config', 'libfoo').split())",
        "def pkg_config(name):\n    return subprocess.run(['pkg-config', '--libs', name])\npkg_config('libfoo')",
        "import pkgconfig\npkgconfig.parse('libfoo')",
        "import pkgconfig\npkgconfig.configure_extension(Extension('a', ['a.c']), 'libfoo')",
        "from helper import pkg_config_flags\npkg_config_flags('--cflags', 'libfoo')",
        "def run(*words):\n    return subprocess.check_output(['pkg-config', *words])\nrun('--libs', 'libfoo')",
    ],
)
def test_pkg_config_in_every_form(call: str) -> None:
    assert names(START + call, "pkg-config") == {"libfoo"}


def test_pkg_config_that_the_script_does_without() -> None:
    script = "try:\n    subprocess.check_call(['pkg-config', '--libs', 'foo'])\nexcept OSError:\n    pass\n"
    found = one(START + script)
    assert (found.need, found.condition) == ("optional", "unless OSError")
    assert names(START + script.replace("pass", "sys.exit('no foo')"), "pkg-config") == {"foo"}


def test_a_library_that_pkg_config_or_else_its_name_gives_is_required() -> None:
    script = """
libs = []
try:
    libs += subprocess.check_output(['pkg-config', '--libs', 'libpng']).split()
except OSError:
    libs += ['png']
"""
    assert names(START + script + EXT, "pkg-config") == {"libpng"}
    assert names(START + script + EXT) == {"png"}


def test_the_first_of_several_names_is_the_default() -> None:
    script = """
def name():
    for name in ('one', 'two'):
        try:
            subprocess.check_call(['pkg-config', '--exists', name])
        except OSError:
            pass
        else:
            return name
    raise Exception('neither')
subprocess.check_output(['pkg-config', '--libs', name()])
"""
    assert names(START + script, "pkg-config") == {"one"}
    assert names(START + script, "pkg-config", "optional") == {"two"}


def test_config_programs() -> None:
    script = "exe = os.environ.get('PG_CONFIG', 'pg_config')\nsubprocess.check_output([exe, '--libdir'])\n"
    assert names(START + script, "program") == {"pg_config"}
    assert names(START + "os.popen('curl-config --libs').read()", "program") == {"curl-config"}
    assert names(START + "os.popen('python3-config --libs').read()", "program") == set()
    assert names(START + "x = first('xml2-config')", "program", "optional") == {"xml2-config"}
    required = (
        "exe = shutil.which('mysql_config')\nif exe is None:\n    raise EnvironmentError('mysql_config not found')\n"
    )
    assert names(START + required, "program") == {"mysql_config"}


def test_probes_are_optional_unless_failing_them_ends_the_build() -> None:
    script = "compiler = new_compiler()\nif compiler.has_function('deflate', libraries=['z']):\n    pass\n"
    assert names(START + script, need="optional") == {"z"}
    assert names(START + script.replace("if ", "if not ").replace("pass", "raise SystemExit(1)")) == {"z"}
    header = (
        "def find_header(name):\n    return os.path.exists('/usr/include/' + name)\nok = find_header('foo/bar.h')\n"
    )
    assert names(START + header, "header", "optional") == {"foo/bar.h"}
    assert names(START + header + "assert ok\n", "header") == {"foo/bar.h"}


def test_features_that_are_listed_as_required() -> None:
    script = """
class feature:
    required = {'jpeg'}
def build(self):
    if feature.want('jpeg'):
        if find_include_file(self, 'jpeglib.h'):
            pass
    if feature.want('tiff'):
        if find_include_file(self, 'tiff.h'):
            pass
build(None)
"""
    assert names(START + script, "header") == {"jpeglib.h"}
    assert names(START + script, "header", "optional") == {"tiff.h"}


def test_programs_that_the_build_runs() -> None:
    script = "subprocess.check_call(['cmake', '..'])\nos.system('cd x && ./configure --prefix=y && make -j2')\n"
    assert names(START + script, "program") == {"cmake", "make"}
    docs = (
        "from setuptools import Command\nclass Docs(Command):\n    def run(self):\n        subprocess.call(['make'])\n"
    )
    assert find(START + docs) == []


def test_languages_and_generators_by_the_sources() -> None:
    script = "Extension('a', ['a.f90', 'b.i'])\nfrom setuptools_rust import RustExtension\nRustExtension('r')\n"
    assert names(START + script, "language") == {"c", "fortran", "rust"}
    assert names(START + script, "program") == {"swig"}


def test_numpy_distutils() -> None:
    script = """
from numpy.distutils.system_info import get_info
def configuration(parent_package='', top_path=None):
    lapack = get_info('lapack_opt', notfound_action=2)
    blas = get_info('blas_opt')
    config = Configuration('x')
    config.add_extension('y', sources=['y.f'], extra_info=lapack)
"""
    assert names(script, "virtual") == {"interface/lapack"}
    assert names(script, "virtual", "optional") == {"interface/blas"}
    assert names(script, "language") == {"fortran"}


@pytest.mark.parametrize(
    "call",
    [
        "from urllib.request import urlretrieve\nurlretrieve('ftp://example.test/x.tar.gz', 'x')",
        "import requests\nrequests.get('ftp://example.test/x.tar.gz')",
        "subprocess.check_call(['curl', '-O', 'ftp://example.test/x.tar.gz'])",
        "os.system('git clone ftp://example.test/x.tar.gz')",
    ],
)
def test_downloads_are_flagged(call: str) -> None:
    (flag,) = (item for item in find(START + call) if not (isinstance(item, Flag) and item.kind == "unreadable"))
    assert isinstance(flag, Flag) and flag.kind == "download"
    assert "ftp://example.test/x.tar.gz" in flag.text


def test_a_system_library_in_place_of_a_bundled_one() -> None:
    found = one(START + "libs = []\nif os.environ.get('USE_SYSTEM_UV'):\n    libs.append('uv')\n" + EXT)
    assert found.bundled and found.need == "optional"
    script = START + "subprocess.check_call(['make'])\nExtension('a', ['a.c'], libraries=['sodium'])"
    (found,) = (
        e for e in find(script, src__libsodium__configure="x") if isinstance(e, Evidence) and e.kind == "library"
    )
    assert found.bundled and found.need == "optional"


@pytest.mark.parametrize(
    ("caught", "need"), [("OSError", "required"), ("(IOError, OSError)", "required"), ("SystemExit", "optional")]
)
def test_what_setup_never_raises_forgives_nothing(caught: str, need: str) -> None:
    """Where a compiler or a header is missing, setup() ends with SystemExit."""
    called = "setup(ext_modules=[Extension('a', ['a.c'], libraries=['sodium'])])"
    script = f"try:\n    {called}\nexcept {caught}:\n    print('no')"
    (found,) = (e for e in find(START + script) if isinstance(e, Evidence) and e.kind == "library")
    assert found.need == need


def test_extensions_that_the_build_does_without() -> None:
    script = """
from setuptools.command.build_ext import build_ext
class forgiving(build_ext):
    def build_extension(self, ext):
        try:
            build_ext.build_extension(self, ext)
        except (CompileError, LinkError):
            print('without')
setup(cmdclass={'build_ext': forgiving}, ext_modules=[Extension('a', ['a.c'], libraries=['yaml'])])
"""
    assert one(START + script).need == "optional"
    assert one(START + script.replace("print('without')", "raise")).need == "required"
    all_of_them = "    def build_extensions(self):\n        build_ext.build_extensions(self)\n    def build_extension("
    assert one(START + script.replace("    def build_extension(", all_of_them)).need == "optional"
    assert one(START + "Extension('a', ['a.c'], libraries=['x'], optional=True)").need == "optional"


def test_settings_of_the_archive() -> None:
    script = "from configparser import ConfigParser\np = ConfigParser()\np.read('setup.cfg')\nlibs = []\n"
    script += (
        "if p.has_option('x', 'static') and p.getboolean('x', 'static'):\n    pass\nelse:\n    libs.append('pq')\n"
    )
    assert names(START + script + EXT, setup_DOT_cfg="[x]\nstatic = 0\n") == {"pq"}


def test_options_of_the_command_line_are_not_given() -> None:
    script = """
def has_option(name):
    try:
        sys.argv.remove('--' + name)
        return True
    except ValueError:
        return False
libs = ['static'] if has_option('static') else ['dynamic']
for arg in sys.argv:
    if arg == '--with-more':
        libs.append('more')
"""
    assert names(START + script + EXT) == {"dynamic"}
    assert "more" in names(START + script + EXT, need="optional")


def test_options_of_commands_have_their_first_values() -> None:
    script = """
class build(build_ext):
    def initialize_options(self):
        self.static = None
    def run(self):
        if self.static:
            self.libraries.append('dead')
        else:
            self.libraries.append('pq')
"""
    assert names(START + script) == {"pq"}


def test_modules_of_the_archive_that_are_imported() -> None:
    helper = "import setuptools\nLIBS = ['one']\ndef more():\n    return ['two']\n"
    script = START + "from buildtools import LIBS, more\nimport buildtools as b\nlibs = LIBS + b.more()" + EXT
    found = [e for e in find(script, buildtools_DOT_py=helper) if isinstance(e, Evidence)]
    assert {(e.name, e.where) for e in found} == {("one", "buildtools.py:2"), ("two", "buildtools.py:4")}


def test_modules_that_are_installed_are_not_followed() -> None:
    package = "import subprocess, cffi\nsubprocess.check_output(['pkg-config', '--libs', 'foo'])\n"
    assert find_in({"setup.py": b"import pack.core\n", "pack/__init__.py": b"", "pack/core.py": package.encode()}) == []


def test_a_backend_of_the_archive() -> None:
    files = {
        "pyproject.toml": b"[build-system]\nbuild-backend = 'own'\nbackend-path = ['_build']\n",
        "_build/own.py": b"import os\ndef build_wheel(d):\n    os.popen('pkg-config --libs foo')\n",
    }
    assert [e.name for e in find_in(files) if isinstance(e, Evidence)] == ["foo"]


def test_a_setup_script_that_another_backend_leaves_alone() -> None:
    files = {
        "pyproject.toml": b"[build-system]\nbuild-backend = 'mesonpy'\n",
        "setup.py": b"from setuptools import Extension\nExtension('a', libraries=['x'])",
    }
    assert find_in(files) == []


def test_cffi() -> None:
    script = "setup(cffi_modules=['pkg/_build.py:ffi'])"
    build = "ffi = FFI()\nffi.set_source('_x', '''\n#include <sodium.h>\n''', libraries=['sodium'])\n"
    found = [e for e in find(START + script, pkg___build_DOT_py="") if isinstance(e, Evidence)]
    assert found == []
    files = {"setup.py": (START + script).encode(), "pkg/_build.py": build.encode()}
    found = [e for e in find_in(files) if isinstance(e, Evidence)]
    assert {(e.kind, e.name, e.need) for e in found} == {
        ("library", "sodium", "required"),
        ("header", "sodium.h", "required"),
        ("language", "c", "required"),
    }


def test_a_function_that_makes_the_cffi_module() -> None:
    build = (
        "def other(h):\n  f = FFI()\n  f.set_source('_x', f'#include <{h}>')\n  return f\n"
        "def make():\n  return other('z.h')\n"
        "def unnamed():\n  FFI().set_source('_y', '#include <never.h>')\n"
    )
    files = {
        "setup.py": f"{START}setup(cffi_modules=['src/make.py:make'])".encode(),
        "src/make.py": build.encode(),
    }
    found = [e for e in find_in(files) if isinstance(e, Evidence) and e.kind == "header"]
    assert {(e.name, e.need) for e in found} == {("z.h", "required"), ("never.h", "optional")}


@pytest.mark.parametrize(
    ("requires", "more", "expected"),
    [
        ("'setuptools'", "", set()),
        ("'setuptools', 'CFFI >= 1'", "", {"spam"}),
        ("'setuptools', 'xcffib'", "", {"spam"}),  # which may bring it
        ("'setuptools'", "setup(setup_requires=['cffi'])", {"spam"}),
    ],
)
def test_a_module_that_lacks_what_it_imports(requires: str, more: str, expected: set[str]) -> None:
    script = f"{START}try:\n  import pack.face\nexcept ImportError:\n  pass\n{more}"
    face = "from cffi import FFI\nffi = FFI()\nffi.verify('int x;', libraries=['spam'])\n"
    files = {
        "pyproject.toml": f"[build-system]\nrequires = [{requires}]\n".encode(),
        "setup.py": script.encode(),
        "pack/__init__.py": b"",
        "pack/face.py": face.encode(),
    }
    assert {e.name for e in find_in(files) if isinstance(e, Evidence) and e.kind == "library"} == expected


def test_setup_cfg_and_pyproject() -> None:
    assert names("", setup_DOT_cfg="[build_ext]\nlibraries = foo, bar\n") == {"foo", "bar"}
    table = '[[tool.setuptools.ext-modules]]\nname = "a"\nsources = ["a.c"]\nlibraries = ["foo"]\n'
    assert names("", pyproject_DOT_toml=table) == {"foo"}
    assert names("", pyproject_DOT_toml=table + 'extra-link-args = ["-lbar", "-O1"]\n') == {"foo", "bar"}


@pytest.mark.parametrize(
    "junk",
    [
        b"print 'Python 2'\n",
        b"\x00\xff\xfe junk",
        b"x = " + b"(" * 5_000 + b")" * 5_000,
        b"x = " + b"-" * 50_000 + b"1",
        b"# " + b"x" * (300 << 10),
        "if x:\n\ty\n        z\n".encode("utf-16"),
    ],
)
def test_what_cannot_be_read_is_flagged(junk: bytes) -> None:
    (flag,) = find(junk)
    assert isinstance(flag, Flag) and (flag.kind, flag.where) == ("unreadable", "setup.py")


@pytest.mark.parametrize(
    "script",
    [
        "x = " + " + ".join(["'a'"] * 5_000),
        "x = 'a' * 10**9\ny = 10**10**10\nz = 1 << 10**9\n",
        "x = '%999999999d' % 1\ny = '{:>999999999}'.format(1)\nz = f'{1:>999999999}'\n",
        "x = ['a']\n" + "x += x\n" * 200 + "libs = x\n" + EXT,
        "x = 'a'\n" + "x = x + x\n" * 200,
        "x = 'aaaa'\n" + "x = x.replace('a', 'aaaa')\n" * 200,
        "def f(): return f() + g()\ndef g(): return f() + g()\nf()\n",
        "while True:\n    x = 1\n",
        "for a in range(10**9):\n    for b in range(10**9): pass\n",
        "if a:\n" * 1 + "".join(f"{' ' * n}if a{n}:\n" for n in range(1, 80)) + " " * 80 + "pass\n",
        "".join(f"if a{n}:\n    x = {n}\nelif b{n}:\n    x = -{n}\n" for n in range(400)),
        "\n".join(f"def f{n}():\n    return f{n + 1}() + f{n + 1}()" for n in range(300)) + "\nf0()\n",
        "import setup\nfrom setup import *\n",
        "class A(B): pass\nclass B(A): pass\nA().x\n",
        "x = {}\nx['x'] = x\nlibs = x\n" + EXT,
        "x = []\nx.append(x)\nlibs = x\n" + EXT,
        "x = [told()]\nx.append(x)\nos.system(' '.join(x) + ' cmake %s' % x)\n",
        "x = {'a': 1}\n" * 400
        + "for a in range(300):\n    try:\n        x['a'] = f()\n    except E:\n        pass\n" * 9,
        "x = [1] * 9\n" + "x = [x, x, x, x, x, x, x, x, x]\n" * 30 + "libs = x\nif f(x):\n    g(*x)\n" + EXT,
        f"if {'_' * 50_000}:\n    {'find_' * 9_000}lib('x')\nlibs = ['{'1' * 50_000}a']\n" + EXT,
        f"if f({'x, ' * 20_000}):\n" + "    Extension('a', libraries=['a', 'b'])\n" * 300,
        "libs = [" + "'a', " * 390 + "]\n" + EXT * 500,
        "x = [[[[x for x in range(99)] for y in 'ab'] for z in l] for l in l]\n",
    ],
)
def test_scripts_that_would_never_end_do(script: str) -> None:
    started = time.perf_counter()
    find(START + script)
    assert time.perf_counter() - started < 5  # seconds; a slow machine under load


WORDS = st.sampled_from(
    (
        "if else : \n \n\t def class x = libs [ ] ( ) , 'foo' . append Extension libraries= subprocess.call == not try:"
        " except: return raise for in while lambda * ** + f'{x}' with as match case import from None os.environ.get"
    ).split(" ")
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.lists(WORDS, max_size=40).map(lambda words: " ".join(words).encode())))
def test_junk_never_raises(junk: bytes) -> None:
    find(START.encode() + junk)


STATEMENTS: Any = st.recursive(
    st.sampled_from(
        ["libs.append('a')", "x = probe(y)", "return libs", "libs = libs + [x]", "raise X", "y = x.z[0](**y)"]
    ),
    lambda inner: st.builds(
        lambda head, body, tail: head + "\n " + body.replace("\n", "\n ") + tail,
        st.sampled_from(["if x:", "for x in libs:", "while y:", "def f(x, *a, **k):", "class C(x):", "with x as y:"]),
        inner,
        st.sampled_from(["", "\nf(1, *libs, **x)", "\nC().f(x)", "\nlibs += f"]),
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STATEMENTS, max_size=8))
def test_any_script_is_followed_without_fail(statements: list[str]) -> None:
    find(START + "libs = []\n" + "\n".join(statements).replace("return libs", "pass") + EXT)


def test_libraries_that_only_the_environment_names_are_flagged() -> None:
    (flag,) = find(START + "libs = os.environ['LIBS'].split()" + EXT)
    assert isinstance(flag, Flag) and (flag.kind, flag.where) == ("dynamic", "setup.py:4")


def test_a_binary_setup_cfg_and_pyproject_do_no_harm() -> None:
    for path in ("setup.cfg", "pyproject.toml"):
        assert find_in({"setup.py": b"", path: b"\x00\xff[build_ext\nlibraries = = [[ext-modules"}) == []


def conditional(script: str, *sources: str) -> set[str]:
    files = {"setup.py": script.encode(), **dict.fromkeys(sources, b"int x;")}
    tree = tree_of(files)
    list(find_in_python(tree))
    return set(tree.conditional)


def test_sources_of_an_extension_that_is_made_on_a_condition() -> None:
    script = START + "exts = [Extension('a', ['a.c'])]\nif have('x'):\n    exts.append(Extension('b', ['src/b.c']))\n"
    assert conditional(script + "setup(ext_modules=exts)\n", "a.c", "src/b.c") == {"src/b.c"}


def test_a_cython_source_or_what_it_was_made_into_is_compiled_in_any_case() -> None:
    script = START + "name = 'a.pyx' if have_cython() else 'a.c'\nsetup(ext_modules=[Extension('a', [name])])\n"
    assert conditional(script, "a.pyx", "a.c") == set()


@pytest.mark.parametrize("call", ["self._remove_extension('b')", "drop_ext('b')"])
def test_sources_of_an_extension_that_is_taken_out_again(call: str) -> None:
    script = START + (
        "class Build(build_ext):\n    def build_extensions(self):\n"
        f"        if not self.found('b'):\n            {call}\n"
        "setup(ext_modules=[Extension('a', ['a.c']), Extension('b', ['b.c'])], cmdclass={'build_ext': Build})\n"
    )
    assert conditional(script, "a.c", "b.c") == {"b.c"}


MADE = START + "a = Extension('a', ['a.c'], libraries=['a'])\nb = Extension('b', ['b.c'], libraries=['b'])\n"


@pytest.mark.parametrize(
    ("rest", "required"),
    [
        ("setup(ext_modules=[a])", {"a"}),
        ("setup(ext_modules=[a, b])", {"a", "b"}),
        ("more = [a]\nif os.path.isdir('/usr/include/b'):\n    more.append(b)\nsetup(ext_modules=more)", {"a"}),
        ("try:\n    setup(ext_modules=[a, b])\nexcept Failed:\n    setup(ext_modules=[a])", {"a"}),
        ("setup(ext_modules=listed())", {"a", "b"}),
        ("setup(ext_modules=[a] + listed())", {"a", "b"}),
        ("class C(build_ext):\n  def run(self):\n    self.extensions.append(b)\nsetup(ext_modules=[a])", {"a", "b"}),
    ],
)
def test_an_extension_counts_where_setuptools_gets_it(rest: str, required: set[str]) -> None:
    assert names(MADE + rest + "\n") == required


def test_what_is_linked_after_a_probe_that_may_fail_is_on_its_condition() -> None:
    script = (
        "libs = ['z1']\ntry:\n    subprocess.check_output(['curl-config', '--libs'])\n    libs.append('curl')\n"
        "except Exception:\n    pass\n"
    )
    assert names(START + script + EXT) == {"z1"}
    assert "curl" in names(START + script + EXT, need="optional")


def test_methods_of_an_extension_are_no_commands() -> None:
    script = "class Rust(Extension):\n    def build(self):\n        subprocess.check_call(['cargo', 'build'])\n"
    assert "cargo" not in names(START + script + "setup(ext_modules=[])\n", kind="program")


def test_the_module_that_an_extension_asks_pkg_config_for() -> None:
    script = START + "setup(ext_modules=[PkgConfigExtension('ethtool', ['a.c'], pkg='libnl-3.0')])\n"
    assert names(script, kind="pkg-config") == {"libnl-3.0"}


def test_cffi_of_a_module_that_is_installed() -> None:
    binding = "from cffi import FFI\nffi = FFI()\nffi.cdef('')\nffi.verify('int x;', libraries=['fuzzy'])\n"
    files = {
        "setup.py": b"from pkg.binding import ffi\nfrom setuptools import setup\nsetup()\n",
        "src/pkg/__init__.py": b"",
        "src/pkg/binding.py": binding.encode(),
    }
    assert {item.name for item in find_in(files) if isinstance(item, Evidence)} == {"fuzzy"}


def test_a_header_of_the_archive_in_the_c_of_a_script_is_no_need() -> None:
    script = "from cffi import FFI\nffi = FFI()\nffi.set_source('a', '#include <zstd.h>\\n#include <other.h>')\n"
    files = {"setup.py": script.encode(), "zstd/zstd.h": b"int x;"}
    assert {item.name for item in find_in(files) if isinstance(item, Evidence) and item.kind == "header"} == {"other.h"}


@pytest.mark.parametrize(
    "test",
    [
        "Path('x').exists()",
        "os.path.isdir('setup.py')",
        "(Path(__file__).resolve().parent / 'y' / Path('x')).exists()",
        "Path(__file__).absolute().parent.joinpath('x').is_dir()",
        "os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x'))",
    ],
)
def test_files_that_the_archive_does_not_have(test: str) -> None:
    script = f"from pathlib import Path\nlibs = ['own'] if {test} else ['system']"
    assert names(START + script + EXT) == {"system"}


def test_a_program_that_a_script_ends_without_is_required_whatever_it_is() -> None:
    script = "if shutil.which('proj') is None:\n    raise SystemExit('no proj')\nlibs = []"
    assert names(START + script + EXT, kind="program") == {"proj"}
    assert "proj" not in {
        one.name for one in find("import shutil\nfast = shutil.which('proj')") if isinstance(one, Evidence)
    }


@pytest.mark.parametrize(
    ("script", "required"),
    [
        ("try:\n    setup(ext_modules=[a])\nexcept Failed:\n    setup()", set()),
        ("def run(c):\n    kw = {'ext_modules': [a]} if c else {}\n    setup(**kw)\nrun(True)", {"a"}),
    ],
)
def test_extensions_that_are_built_again_without(script: str, required: set[str]) -> None:
    assert names(MADE + script + "\n") == required
    assert conditional(MADE + script + "\n", "a.c") >= (set() if required else {"a.c"})


def test_sources_of_no_extension_are_not_compiled() -> None:
    script = (
        START + "e = [Extension('m', ['m.c'])]\nif sys.platform == 'darwin':\n    e.append(Extension('o', ['o.c']))\n"
    )
    assert conditional(script + "setup(ext_modules=e)\n", "m.c", "o.c") == {"o.c"}
    more = START + "setup(ext_modules=[Extension('m', ['m.c'] + listed())])\n"
    assert conditional(more, "m.c", "o.c") == set()


@pytest.mark.parametrize(
    "test",
    [
        "if not any(os.path.exists(os.path.join(d, 'gpgme.h')) for d in ('/usr/include', '/usr/local/include')):\n"
        "    sys.exit('no gpgme.h')",
        "d = os.environ.get('GPGME', '/usr/include')\nif not os.path.isfile(d + '/gpgme.h'):\n    raise RuntimeError",
    ],
)
def test_a_header_that_a_script_ends_without(test: str) -> None:
    assert names(START + test + "\nlibs = []" + EXT, kind="header") == {"gpgme.h"}


def test_a_library_that_is_returned_or_else_an_error() -> None:
    script = (
        "import pkgconfig as pc\n"
        "def of(name):\n    if os.environ.get('PREFIX'):\n        return dict(libraries=[name])\n"
        "    if pc.installed(name, '>= 2'):\n        return pc.parse(name)\n    raise Exception('not found')\n"
        "setup(ext_modules=[Extension('m', ['m.c'], **of('libacl'))])\n"
    )
    assert names(START + script, kind="pkg-config") == {"libacl"}


def test_a_program_whose_failure_ends_the_script_is_required() -> None:
    script = "v = subprocess.check_output(['pkg-config', '--modversion', 'libsrtp2'])\nlibs = []"
    assert names(START + script + EXT, kind="pkg-config") == {"libsrtp2"}


@pytest.mark.parametrize(
    "path", ["'tools'", "os.path.join(os.path.dirname(os.path.abspath(__file__)), 'tools')", "str(Path('tools'))"]
)
def test_modules_of_folders_that_are_put_on_the_path(path: str) -> None:
    files = {
        "setup.py": f"{START}from pathlib import Path\nsys.path.append({path})\nimport exts\nsetup(**exts.ALL)",
        "tools/exts.py": "from setuptools import Extension\n"
        "ALL = {'ext_modules': [Extension('m', ['m.c'], libraries=['chm'])]}",
    }
    found = find_in({name: text.encode() for name, text in files.items()})
    assert {one.name for one in found if isinstance(one, Evidence) and one.need == "required"} == {"chm"}


def test_scripts_in_the_archives_folder_that_nothing_names_are_not_run() -> None:
    assert names(START, build_wheels_DOT_py="import subprocess, setuptools\nsubprocess.check_call(['cmake'])") == set()


def test_the_hook_of_pdm() -> None:
    hook = b"from setuptools import Extension\ndef pdm_build_update_setup_kwargs(context, kw):\n"
    hook += b"    kw.update(ext_modules=[Extension('m', ['m.c'], libraries=['chm'])])\n"
    files = {"pyproject.toml": b'[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n'}
    found = find_in({**files, "pdm_build.py": hook})
    assert {one.name for one in found if isinstance(one, Evidence)} == {"chm"}


@pytest.mark.parametrize("test", ["os.uname().sysname == 'Linux'", "platform.uname()[0] == 'Linux'"])
def test_linux_by_uname(test: str) -> None:
    assert names(START + f"libs = ['chm'] if {test} else []" + EXT) == {"chm"}


def test_a_variable_that_is_not_set() -> None:
    assert names(START + "try:\n    libs = [os.environ['LIB']]\nexcept KeyError:\n    libs = ['chm']" + EXT) == {"chm"}


def test_what_autoreconf_runs() -> None:
    files = {"setup.py": f"{START}subprocess.check_call(['./autogen.sh'], cwd='lib')\nsetup()".encode()}
    found = find_in({**files, "lib/configure.ac": b"AC_INIT\nLT_INIT\n"})
    assert {one.name for one in found if isinstance(one, Evidence)} == {"autoreconf", "libtoolize"}


def test_a_module_that_the_archive_lacks_is_an_import_error() -> None:
    files = {
        "setup.py": f"{START}try:\n    from pkg import _config\nexcept ImportError:\n    libs = ['pq']{EXT}".encode(),
        "pkg/__init__.py": b"",
    }
    assert {one.name for one in find_in(files) if isinstance(one, Evidence) and one.need == "required"} == {"pq"}


def test_languages_beside_a_makefile_that_is_run() -> None:
    files = {"setup.py": f"{START}subprocess.check_call(['make'], cwd='fortran')\nsetup()".encode()}
    found = find_in({**files, "fortran/Makefile": b"all:\n", "fortran/a.f90": b"end\n"})
    assert {one.name for one in found if isinstance(one, Evidence)} == {"make", "fortran"}


def test_what_is_left_in_a_branch_that_is_not_taken_by_default() -> None:
    script = (
        "def build():\n    if os.environ.get('CACHE'):\n        if os.path.exists(cached()):\n            return\n"
        "    subprocess.run(['make'])\nbuild()\nsetup()\n"
    )
    assert names(START + script, kind="program") == {"make"}


def test_what_pip_asks_a_script_to_do() -> None:
    script = (
        "if len(sys.argv) >= 2 and not ('--help' in sys.argv[1:] or sys.argv[1] in ('clean', 'egg_info')):\n"
        "    subprocess.check_call(['cmake', '..'])\n"
        "building = False\nfor word in sys.argv[1:]:\n    if word.startswith('bdist'):\n        building = True\n"
        "libs = ['z1'] if building else []\nif '--use-jack' in sys.argv:\n    libs.append('jack')"
    )
    assert names(START + script + EXT, kind="program") == {"cmake"}
    assert names(START + script + EXT) == {"z1"}
    assert names(START + script + EXT, need="optional") == {"jack"}


@pytest.mark.parametrize(("path", "found"), [("build/libx.a", set()), ("/usr/lib/libx.a", {"x"})])
def test_objects_that_the_archive_builds_itself(path: str, found: set[str]) -> None:
    assert names(f"{START}setup(ext_modules=[Extension('a', ['a.c'], extra_objects=['{path}'])])") == found


def test_assembly_of_what_make_builds() -> None:
    files = {"setup.py": f"{START}subprocess.check_call(['make'])\nsetup()".encode(), "src/crc.asm": b""}
    assert "nasm" in {one.name for one in find_in(files) if isinstance(one, Evidence)}


def test_of_several_ways_before_an_error_none_is_required() -> None:
    script = (
        "def folder():\n    for path in ('/usr/include', '/usr/local/include'):\n"
        "        if os.path.isfile(os.path.join(path, 'glpk.h')):\n            return path\n"
        "    program = shutil.which('glpsol')\n    if program is None:\n        raise RuntimeError('no GLPK')\n"
        "    return os.path.dirname(program)\nfolder()\n"
        "setup(ext_modules=[Extension('a', ['glpk.i'], libraries=['glpk'])])\n"
    )
    assert names(START + script, kind="program") == {"swig"}
    assert names(START + script, kind="language") == {"c"}
    assert names(START + script) == {"glpk"}


def test_what_a_later_test_demands_no_handler_before_forgives() -> None:
    script = (
        "libs = []\ntry:\n    out = subprocess.check_output(['gdal-config', '--libs']).decode()\n"
        "    libs = [x[2:] for x in out.split()]\nexcept Exception:\n    print('failed')\n"
        "if not libs:\n    sys.exit('no GDAL')\n"
    )
    assert names(START + script + EXT, kind="program") == {"gdal-config"}


@pytest.mark.parametrize("kind", ["@dataclass\nclass S:", "class S(NamedTuple):"])
def test_records(kind: str) -> None:
    script = f"{kind}\n    name: str\n    libs: list\nspecs = [S('a', ['chm']), S('b', libs=['mad'])]\n"
    script += "setup(ext_modules=[Extension(s.name, ['a.c'], libraries=s.libs) for s in specs])\n"
    assert names(START + script) == {"chm", "mad"}


def test_what_is_tried_second_stands_in_for_the_first() -> None:
    script = (
        "import pkgconfig\ndef find():\n    for name in ('mysqlclient', 'libmariadb'):\n"
        "        if pkgconfig.exists(name):\n            return name\n    raise Exception('none')\nfind()\nlibs = []"
    )
    found = {one.name: one for one in find(START + script + EXT) if isinstance(one, Evidence)}
    assert (found["mysqlclient"].need, found["libmariadb"].need) == ("required", "optional")
    assert found["libmariadb"].instead_of == "pkg-config mysqlclient"


def test_a_function_that_says_whether_something_can_be_compiled() -> None:
    script = (
        "def has(header):\n    try:\n        subprocess.check_call(['cc', '-E', '-include', header, '/dev/null'])\n"
        "        return True\n    except subprocess.CalledProcessError:\n        return False\n"
        "libs = ['chm'] if has('chm_lib.h') else []"
    )
    assert (names(START + script + EXT), names(START + script + EXT, need="optional")) == (set(), {"chm"})


def test_a_program_that_the_environment_may_name_otherwise() -> None:
    script = (
        "def run(*args):\n    return subprocess.check_output(args, shell=True)\n"
        "given = os.environ.get('CONFIG', '')\nconfig = given if given else 'krb5-config'\n"
        "run(f'{config} --libs krb5')\nlibs = []"
    )
    assert names(START + script + EXT, kind="program") == {"krb5-config"}


def test_a_command_line_with_unknown_arguments() -> None:
    script = "for a in os.listdir('po'):\n    subprocess.run(f'msgfmt po/{a} -o {a}.mo', shell=True)\nlibs = []"
    assert names(START + script + EXT, kind="program") == {"msgfmt"}


def test_extensions_that_are_not_made_where_a_probe_fails() -> None:
    script = (
        "def made():\n    try:\n        out = subprocess.check_output(['gsl-config', '--libs'])\n"
        "    except EnvironmentError:\n        return []\n    return [Extension('a', ['a.c'], libraries=['gsl'])]\n"
        "setup(ext_modules=made())\n"
    )
    assert (names(START + script), names(START + script, need="optional")) == (set(), {"gsl"})
    assert conditional(START + script, "a.c") == {"a.c"}


def built(script: str, *sources: str, **more: str) -> SourceTree:
    files = {"setup.py": script.encode(), **dict.fromkeys(sources, b"")}
    files |= {path.replace("_toml", ".toml").replace("_py", ".py"): text.encode() for path, text in more.items()}
    tree = tree_of(files)
    list(find_in_python(tree))
    return tree


GLOBS = "import glob, itertools\nfrom glob import glob as by_name, iglob\nfrom pathlib import Path\n"
GLOBS += "from setuptools import setup, Extension\n"


@pytest.mark.parametrize(
    "sources",
    [
        "glob.glob('src/*.c')",
        "sorted(glob.glob(os.path.join(os.path.dirname(__file__), 'src', '*.c')))",
        "[str(path) for path in Path('src').glob('*.c')]",
        "[name for name in glob.glob('**/*.c', recursive=True) if not name.startswith('tools')]",
        "list(Path('src').rglob('*.c'))",
        "[os.path.join(top, name) for top, _, names in os.walk('src') for name in names if name.endswith('.c')]",
        "['src/' + name for name in os.listdir('src') if os.path.splitext(name)[1] == '.c']",
        "['src/' + name for name in fnmatch.filter(os.listdir('src'), '*.c')]",
        "['src/' + name for name in os.listdir('src') if fnmatch.fnmatch(name, '*.c')]",
        "[str(path) for path in Path('src').iterdir() if path.suffix == '.c']",
        "list(map(str, Path('src').glob('*.c')))",
        "list(map(lambda name: 'src/' + name, ['a.c', 'b.c']))",
        "[str(p.relative_to(Path(__file__).parent)) for p in Path('src').glob('*.c')]",
        "[str(Path('.', 'src', 'a.c')), str(Path('src', 'b.c'))]",
        "[os.path.relpath(name, os.path.dirname(__file__)) for name in glob.glob('src/*.c')]",
        "by_name('src/*.c')",
        "list(itertools.chain.from_iterable(iglob(f'{top}/*.c') for top, _, _ in os.walk('src')))",
        "sum((glob.glob(f'{top}/*.c') for top in ['src']), [])",
        "sum([['src/a.c']], ['src/b.c'])",
        "glob.glob(os.path.join(os.getcwd(), 'src', '*.c'))",
    ],
)
def test_files_that_patterns_stand_for(sources: str) -> None:
    script = f"{GLOBS}import os\nsetup(ext_modules=[Extension('a', {sources})])\n"
    tree = built(script, "src/a.c", "src/b.c", "tools/c.c")
    assert (tree.built, tree.built_otherwise) == ({"src/a.c", "src/b.c"}, False)
    assert set(tree.conditional) == {"tools/c.c"}


def test_patterns_of_files_that_are_not_there_tell_nothing() -> None:
    script = "setup(ext_modules=[Extension('a', ['a.c', *glob.glob({!r})])])\n"
    for pattern in ("made/*.c", "/usr/src/*.c", "../*.c"):
        assert built(GLOBS + script.format(pattern), "a.c", "b.c").built_otherwise


@pytest.mark.parametrize(
    ("call", "nothing"),
    [
        ("setup(name='a', packages=['a'])", True),
        ("setup(name='a', ext_modules=[])", True),
        ("kw = {'name': 'a'}\nsetup(cmdclass={'build_ext': X}, **kw)", True),
        ("setup(name='a', ext_modules=[Extension('a', ['a.c'])])", False),
        ("setup(name='a', ext_modules=found())", False),
        ("setup(name='a', cmdclass={'build_py': X})", False),
        ("setup(name='a', rust_extensions=[])", False),
        ("setup(**read())", False),
        ("x = 1", False),
    ],
)
def test_a_setup_that_makes_no_extension(call: str, nothing: bool) -> None:
    start = "from setuptools import setup, Extension\nfrom setuptools.command.build_ext import build_ext as X\n"
    assert built(start + call + "\n", "a.c").built_nothing is nothing
    cffi = "[build-system]\nrequires = ['setuptools', 'setuptools-rust']\nbuild-backend = 'setuptools.build_meta'\n"
    assert not built(start + call + "\n", "a.c", pyproject_toml=cffi).built_nothing


def test_a_cffi_script_that_nothing_names_is_not_run() -> None:
    build = "ffi = FFI()\nffi.set_source('_x', '#include <sodium.h>', libraries=['sodium'])\n"
    assert names("from setuptools import setup\nsetup(name='x')\n", builder_DOT_py=build) == set()
    assert names("from setuptools import setup\nimport builder\nsetup(name='x')\n", builder_DOT_py=build) == {"sodium"}


def test_sets_of_arguments() -> None:
    test = "if set(('build', 'bdist_wheel')) & set(sys.argv):\n    libs = ['one']\nelse:\n    libs = ['two']\n"
    assert names(START + test + EXT) == {"one"}
    assert names(START + test.replace("bdist_wheel", "bdist_egg") + EXT) == {"two"}


def test_a_turn_of_a_loop_that_may_end_early_sets_nothing_for_sure() -> None:
    loop = "libs = ['one']\nfor n in ('a', 'b'):\n    if not exists(n):\n        continue\n    libs = [n]\n    break\n"
    assert names(START + loop + EXT) == {"one"}


def test_ways_that_are_tried_in_a_loop_before_an_error() -> None:
    ways = (
        "def first():\n    return find(), []\n"
        "def second():\n    return subprocess.check_output(['mecab-config', '--libs']).split(), []\n"
        "def found():\n    for way in (second,):\n        try:\n            out = way()\n"
        "            if out:\n                return out\n        except:\n            pass\n"
    )
    assert names(START + ways + "    raise RuntimeError\nfound()\n", "program") == {"mecab-config"}
    assert names(START + ways + "found()\n", "program") == set()


def test_without_any_script_nothing_builds() -> None:
    assert [item.where for item in find_in({"a.c": b""}) if isinstance(item, Flag)] == ["setup.py"]


def test_a_library_that_the_archive_brings_as_it_is_linked() -> None:
    script = START + "libs = ['own', 'other', 'third']" + EXT
    assert names(script, libs__libown_DOT_a="x", libs__libother_DOT_so="x", libs__third_DOT_dll="x") == {"third"}


def test_a_file_that_is_not_there_fails_or_goes_to_the_handler() -> None:
    read = "open(os.path.join(os.path.dirname(__file__), 'config.mk')).read()"
    found = [item.text for item in find(f"{START}text = {read}\nsetup()\n") if isinstance(item, Flag)]
    assert found == ["config.mk is read and not in the archive"]
    handled = f"try:\n    {read}\n    libs = ['one']\nexcept IOError:\n    libs = ['two']\n"
    assert names(START + handled + EXT) == {"two"}
    assert names(START + handled + EXT, config_DOT_mk="x") == {"one"}
    for before in ("open('config.mk', 'w').write('')", "os.system('./configure')", "os.chdir('other')", "open(x, 'w')"):
        assert not [item for item in find(f"{START}{before}\n{read}\nsetup()\n") if isinstance(item, Flag)]
    for before in ("open('README', 'w').write('')", "os.chdir(os.path.dirname(os.path.abspath(__file__)) or '.')"):
        assert [item for item in find(f"{START}{before}\n{read}\nsetup()\n") if isinstance(item, Flag)]


def test_a_module_that_is_loaded_by_its_file() -> None:
    script = (
        "import importlib.util\nspec = importlib.util.spec_from_file_location('told', './inner/told.py')\n"
        "told = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(told)\nlibs = told.LIBS\n"
    )
    assert names(START + script + EXT, inner__told_DOT_py="LIBS = ['one']\n") == {"one"}


def test_python_that_is_run_with_a_module_or_a_script() -> None:
    inner = "import subprocess\nsubprocess.check_output(['pkg-config', '--variable=x', 'wayland-protocols'])\n"
    module = "subprocess.run([sys.executable, '-m', 'own.scanner'], check=True)\nsetup()\n"
    assert find_names({"setup.py": START + module, "own/scanner/__main__.py": inner}) == {"wayland-protocols"}
    script = "subprocess.check_call([sys.executable, 'gen/scan.py'])\nsetup()\n"
    assert find_names({"setup.py": START + script, "gen/scan.py": inner}) == {"wayland-protocols"}
    seldom = "if os.environ.get('AGAIN'):\n    " + script
    assert find_names({"setup.py": START + seldom, "gen/scan.py": inner}) == set()


def find_names(files: dict[str, str], kind: str = "pkg-config") -> set[str]:
    found = find_in({path: text.encode() for path, text in files.items()})
    return {item.name for item in found if isinstance(item, Evidence) and item.kind == kind}


def test_a_script_that_a_backend_imports_is_followed_on_its_conditions() -> None:
    backend = (
        "from setuptools.build_meta import *\ndef build_wheel(folder, config_settings=None):\n    try:\n"
        "        from own.ffi.build import compile\n        compile()\n    except Exception:\n        pass\n"
    )
    inner = "import subprocess\nfrom cffi import FFI\nffi = FFI()\nffi.set_source('a', '', libraries=['one'])\n"
    project = "[build-system]\nrequires = ['setuptools', 'cffi']\nbuild-backend = 'builder'\nbackend-path = ['.']\n"
    files = {"pyproject.toml": project, "builder.py": backend, "own/ffi/build.py": inner}
    found = find_in({path: text.encode() for path, text in files.items()})
    assert [(item.name, item.need) for item in found if isinstance(item, Evidence) and item.kind == "library"] == [
        ("one", "optional")
    ]


def test_the_verifier_of_cffi_that_a_script_makes_itself() -> None:
    script = "from cffi import FFI\nfrom cffi.verifier import Verifier\nVerifier(FFI(), 'int x;', libraries=['spam'])\n"
    assert names(script) == {"spam"}


def test_the_type_of_what_the_environment_may_set_is_that_of_its_default() -> None:
    script = f"{START}plain = os.environ.get('PLAIN', False)\nif type(plain) is str:\n    plain = plain == '1'\n"
    assert names(f"{script}if not plain:\n    setup(ext_modules=[Extension('a', ['a.c'], libraries=['z'])])\n") == {"z"}


def test_linking_with_fortran_takes_its_compiler() -> None:
    assert names(f"{START}libs = ['gfortran', 'm']{EXT}") == {"gfortran"}


def test_cffi_scripts_for_other_systems_are_not_followed() -> None:
    script = "from cffi import FFI\nFFI().set_source('a', '', libraries=['spam'])\n"
    named = "from setuptools import setup\nsetup(cffi_modules=['build/{}:ffi'])\n"
    assert names(named.format("macosx_c.py"), build__macosx_c_DOT_py=script) == set()
    assert names(named.format("posix_c.py"), build__posix_c_DOT_py=script) == {"spam"}


def test_swig_is_not_run_on_what_it_wrote_before() -> None:
    script = "from setuptools import *\nsetup(ext_modules=[Extension('a', %s, swig_opts=['-c++'])])\n"
    assert names(script % "['a_wrap.c']", "program") == set()
    assert names(script % "sources()", "program") == {"swig"}


def test_sources_that_cffi_compiles_on_a_condition() -> None:
    script = "import os\nfrom cffi import FFI\nffi = FFI()\nif os.environ.get('A'):\n    ffi.set_source('a', '')\n"
    for text, expected in ((script, {"b.c"}), (f"{script}else:\n    ffi.set_source('b', '')\n", set())):
        files = {"setup.py": text.encode(), "b.c": b"#include <yaml.h>\n"}
        tree = tree_of(files)
        list(find_in_python(tree))
        assert set(tree.conditional) == expected


def test_a_program_that_env_finds() -> None:
    script = f"{START}subprocess.run(('/usr/bin/env', 'pkg-config', '--cflags', 'glib-2.0'), check=True)\n"
    assert names(script, "pkg-config") == {"glib-2.0"}


@pytest.mark.parametrize(
    ("test", "need"),
    [
        ("type(libs) is str", "required"),
        ("type(libs) == str", "required"),
        ("isinstance(libs, (str, bytes))", "required"),
        ("type(libs) is list", "optional"),  # a tuple is not told from a list
        ("isinstance(libs, kinds)", "optional"),
    ],
)
def test_the_type_of_a_list_of_libraries(test: str, need: str) -> None:
    script = f"{START}libs = os.environ.get('LIBS', ['one'])\nif {test}:\n    libs = libs.split(',')\n{EXT}"
    assert {how for how in ("required", "optional") if names(script, need=how)} == {need}


@pytest.mark.parametrize(
    ("caught", "need"),
    [("subprocess.CalledProcessError", "required"), ("OSError", "optional"), ("Exception", "optional")],
)
@pytest.mark.parametrize("program", ["git", "gfortran"])
def test_a_program_that_is_not_there_raises_when_it_is_started(caught: str, need: str, program: str) -> None:
    called = f"version = subprocess.check_output(['{program}', '--version'])"
    script = f"{START}try:\n    {called}\nexcept {caught}:\n    version = '0'\nsetup(version=version)\n"
    assert names(script, "program", need) == {program}


def test_what_is_made_before_is_older_where_nothing_was_made() -> None:
    script = (
        "from setuptools.modified import newer_group\ndef made():\n    if not newer_group(['a.y'], 'a.c'):\n"
        "        return\n    subprocess.check_call(['bison', 'a.y'])\nmade()\nsetup()\n"
    )
    assert names(START + script, "program") == {"bison"}


@pytest.mark.parametrize("call", ["__import__", "importlib.import_module"])
def test_modules_that_a_call_imports(call: str) -> None:
    script = (
        f"{START}import importlib\nsys.path.insert(0, 'own')\ntools = {call}('_compilers')\n"
        "tools.run('bison a.y')\nsetup()\n"
    )
    own = "import subprocess\ndef run(command):\n    subprocess.check_call(command, shell=True)\n"
    files = {"setup.py": script, "own/__init__.py": "", "own/_compilers.py": own}
    assert find_names(files, "program") == {"bison"}


def test_autoreconf_of_what_the_build_unpacks() -> None:
    script = f"{START}subprocess.check_call(['autoreconf', '-i'])\nsetup()\n"
    assert names(script, "program") == {"autoreconf", "libtoolize"}
    assert names(script, "program", a__configure_DOT_ac="AC_INIT\n") == {"autoreconf"}


def test_commands_that_pyproject_names() -> None:
    command = "import subprocess\nfrom setuptools.command.build_py import build_py as _build_py\n"
    command += "class build_py(_build_py):\n  def run(self):\n    subprocess.check_output(['pkg-config', 'yaml-0.1'])\n"
    files = {
        "src/_own_build.py": command,
        "pyproject.toml": "[tool.setuptools.cmdclass]\nbuild_py = '_own_build.build_py'\n",
    }
    assert find_names(files) == {"yaml-0.1"}
    for other in ("[tool]\nsetuptools = 1\n", "[tool.setuptools]\ncmdclass = 1\n", "x = [\n", ""):
        assert find_names({**files, "pyproject.toml": other}) == set()


def test_a_library_among_options_that_are_handed_to_the_linker() -> None:
    script = START + "setup(ext_modules=[Extension('a', ['a.c'], extra_link_args=['-Wl,-lyaml,--export-dynamic'])])\n"
    assert names(script) == {"yaml"}


def test_an_option_of_a_list_s_name_is_no_library() -> None:
    script = f"{START}BUILD_SHARED_LIBS = os.environ.get('BUILD_SHARED_LIBS', '{{}}')\nsetup()\n"
    assert names(script.format("OFF")) == set()
    assert names(script.format("yaml")) == {"yaml"}


def test_what_cffi_compiles_may_stand_in_a_file() -> None:
    script = "from cffi import FFI\nffi = FFI()\nwith open('a.h') as file:\n    ffi.set_source('a', file.read())\n"
    more = {"a_DOT_h": "#include <yaml.h>\n"}
    assert names(script, "header", **more) == {"yaml.h"}
    assert names(script.replace("'a.h'", "'b.h'"), "header", **more) == set()


def told(script: str, **more: str) -> list[str]:
    return [item.text for item in find(script, **more) if isinstance(item, Flag) and item.kind == "unreadable"]


IMPORTS = "from Cython.Build import cythonize\n"


def test_a_module_that_no_build_requirement_brings() -> None:
    text = "Cython is imported, and no build requirement brings it"
    assert told(IMPORTS + START) == [text]
    assert told(f"{START}def later():\n    import Cython\n") == []
    assert told(f"from numpy.distutils.core import setup\n{START}") == [text.replace("Cython", "numpy")]
    assert told(f"try:\n    {IMPORTS}except ImportError:\n    pass\n{START}") == []
    assert told(IMPORTS + START, pyproject_DOT_toml="[build-system]\nrequires = ['setuptools', 'Cython']\n") == []
    assert told(f"{IMPORTS}{START}setup(setup_requires=['Cython'])\n") == [text]  # it is asked for too late
    later = f"{START}setup(setup_requires=['Cython'])\n"
    assert told(f"try:\n    {IMPORTS}except ImportError:\n    cythonize = None\n{later}") == []
    assert told(f"try:\n    {IMPORTS}except ImportError:\n    raise SystemExit('no Cython')\n{later}") == [text]
    then = f"try:\n    {IMPORTS}except ImportError:\n    pass\nelse:\n    try:\n        import Cython.Tempita\n"
    assert told(f"{then}    except ImportError:\n        raise\n{later}") == []
    assert told(f"import subprocess\nsubprocess.call(['pip', 'install', 'Cython'])\n{IMPORTS}{START}") == []
    assert told(f"import os, numpy_like\n{START}", numpy_like_DOT_py="x = 1") == []


def test_sources_that_pyproject_names_are_compiled() -> None:
    project = (
        "[build-system]\nrequires = ['setuptools']\n[[tool.setuptools.ext-modules]]\nname = 'a'\nsources = ['a.c']\n"
    )
    files = {"pyproject.toml": project.encode(), "a.c": b"", "b.c": b""}
    tree = tree_of(files)
    list(find_in_python(tree))
    assert tree.built == {"a.c"}


def test_a_function_that_is_given_a_part_of_its_arguments() -> None:
    script = "import functools\nmake = functools.partial(Extension, libraries=['one'])\n"
    assert names(f"{START}{script}setup(ext_modules=[make('a', ['a.c'])])\n") == {"one"}
    assert names(f"{START}{script}setup(ext_modules=[make('a', ['a.c'], libraries=['two'])])\n") == {"two"}


@pytest.mark.parametrize(
    ("test", "need"),
    [
        ("default and True", "required"),  # what is true by default goes on to the rest
        ("default and not default", "optional"),
        ("os.path.exists('.git') and unknown()", "optional"),
    ],
)
def test_what_holds_by_default_and_more(test: str, need: str) -> None:
    switch = "default = True\nif '--minimal' in sys.argv + os.environ.get('MORE', '').split():\n    default = False\n"
    script = f"{START}{switch}libs = []\nswitch = {test}\nif switch:\n    libs.append('one')\n{EXT}"
    assert {how for how in ("required", "optional") if names(script, need=how)} == {need}


def test_the_rest_of_a_test_is_not_looked_at_where_its_start_fails() -> None:
    test = "if os.path.exists('.git') and subprocess.call(['git', 'describe']) == 0:\n    pass\n"
    assert names(START + test, "program") == set()
    assert names(START + test, "program", need="optional") == {"git"}
    assert names(f"{START}subprocess.Popen(['git', 'describe'])\n", "program") == {"git"}
    assert names(f"{START}os.system('git describe')\n", "program") == set()


def test_an_item_of_a_list_is_set() -> None:
    assert names(f"{START}libs = ['one', 'two']\nlibs[0] = 'three'\n{EXT}") == {"three", "two"}
    script = f"{START}libs = ['one']\nif unknown():\n    libs[0] = 'two'\n{EXT}"
    assert names(script) == {"one"}
    assert names(script, need="optional") == {"two"}
    assert names(f"{START}libs = ['one']\nlibs[5] = 'two'\n{EXT}") == {"one"}


def test_a_function_is_followed_as_often_as_it_asks_for_something() -> None:
    ask = "def ask(name):\n    for letter in 'abcdefghij' * 9:\n        str(letter) + str(letter) + str(letter)\n"
    ask += "    return subprocess.check_output(['pkg-config', '--libs', name])\n"
    calls = "".join(f"ask('lib{number}')\n" for number in range(60))
    assert names(START + ask + calls, "pkg-config") == {f"lib{number}" for number in range(60)}


def test_options_that_a_parser_holds_have_their_defaults() -> None:
    script = (
        f"{START}import argparse\nparser = argparse.ArgumentParser()\ngroup = parser.add_argument_group('x')\n"
        "group.add_argument('--with-two', action='store_true')\nparser.add_argument('--no-one', action='store_true')\n"
        "parser.add_argument('--lib', default='three')\nparser.set_defaults(four=True)\n"
        "given, rest = parser.parse_known_args()\nlibs = [given.lib]\n"
        "if not given.no_one:\n    libs.append('one')\nif given.with_two:\n    libs.append('two')\n"
        f"if given.four:\n    libs.append('four')\n{EXT}"
    )
    assert names(script) == {"one", "three", "four"}
    assert names(script, need="optional") == {"two"}


def test_scripts_whose_text_is_run() -> None:
    more = {"cfg_DOT_py": "libs = ['one']\n"}
    assert names(f"{START}exec(open('cfg.py').read())\n{EXT}", **more) == {"one"}
    script = (
        f"{START}found = {{}}\nwith open('cfg.py') as file:\n    exec(compile(file.read(), 'cfg.py', 'exec'), found)\n"
    )
    assert names(f"{script}libs = found['libs']\n{EXT}", **more) == {"one"}
    assert names(f"{START}libs = []\nexec('libs = 1')\n{EXT}", **more) == set()


def test_named_tuples() -> None:
    made = "from collections import namedtuple\nLib = namedtuple('Lib', 'name, libs')\n"
    assert names(f"{START}{made}libs = Lib('a', libs=['one']).libs + Lib('b', ['two']).libs\n{EXT}") == {"one", "two"}


def test_what_scons_is_told() -> None:
    run = f"{START}subprocess.check_call(['scons'])\nsetup()\n"
    told = {"SConstruct": "env.ParseConfig('pkg-config --libs one')\nenv.SharedLibrary('a', ['a.c'], LIBS=['two'])\n"}
    assert (names(run, "pkg-config", **told), names(run, **told)) == ({"one"}, {"two"})
    assert names(f"{START}setup()\n", **told) == set()


def test_libraries_that_a_compiler_is_given() -> None:
    assert names(f"{START}subprocess.run(['gcc', '-shared', 'a.c', '-lone', '-lm'], check=True)\n") == {"one"}


@pytest.mark.parametrize(("otherwise", "need"), [("return []", "optional"), ("raise OSError('not there')", "required")])
def test_how_pkg_config_ended_is_looked_at(otherwise: str, need: str) -> None:
    script = (
        f"{START}def ask():\n    run = subprocess.run(['pkg-config', '--libs', 'one'], capture_output=True)\n"
        f"    if run.returncode != 0:\n        {otherwise}\n    return run.stdout.split()\nask()\n"
    )
    assert {how for how in ("required", "optional") if names(script, "pkg-config", need=how)} == {need}


@pytest.mark.parametrize(
    ("test", "need"),
    [("found is None", "required"), ("not found", "required"), ("not found and needed()", "optional")],
)
def test_a_value_tells_of_what_was_looked_for_to_find_it(test: str, need: str) -> None:
    find = "def find():\n    if os.path.exists('/usr/include/one.h'):\n        return '/usr/include'\n    return None\n"
    script = f"{START}{find}found = find()\nif {test}:\n    raise SystemExit('no one.h')\n"
    assert {how for how in ("required", "optional") if names(script, "header", need=how)} == {need}


@pytest.mark.parametrize(("folder", "found"), [("build_tools", {"one"}), ("tools", set())])
def test_packages_that_build(folder: str, found: set[str]) -> None:
    script = f"{START}def tools():\n    import {folder}\n    return {folder}\nlibs = tools().libs\n{EXT}"
    inner = {"__init__.py": b"from .more import libs\n", "more.py": b"libs = ['one']\n"}
    files = {"setup.py": script.encode(), **{f"{folder}/{name}": text for name, text in inner.items()}}
    assert {one.name for one in find_in(files) if isinstance(one, Evidence) and one.kind == "library"} == found


def test_what_setuptools_has_no_more() -> None:
    text = "pkg_resources is imported, and no build requirement brings it"
    script = f"from pkg_resources import parse_version\n{START}setup()\n"
    assert told(script) == [text]
    assert told(f"try:\n    import pkg_resources\nexcept ImportError:\n    pass\n{START}setup()\n") == []
    assert told(script, pyproject_DOT_toml="[build-system]\nrequires = ['setuptools<81', 'cffi']\n") == []
    assert told(script, pyproject_DOT_toml="[build-system]\nrequires = ['setuptools>=61', 'cffi']\n") == [text]
    assert told(f"{START}setup(use_2to3=True)\n") == ["use_2to3 is asked for, which setuptools has not had since 58"]
    assert told(f"{START}setup(use_2to3=sys.version_info < (3,))\n") == []


@pytest.mark.parametrize(
    ("build", "run"),
    [
        ("", False),
        ("        self.run_command('build_man')\n", True),
        ("        pass\n    sub_commands = [('build_man', None), *build.sub_commands]\n", True),
    ],
)
def test_a_command_of_its_own_that_building_runs_or_not(build: str, run: bool) -> None:
    script = (
        "from setuptools import Command\nfrom distutils.command.build import build\n"
        "class Man(Command):\n    def run(self):\n        subprocess.check_call(['msgfmt', 'x'])\n"
        "class Install(Command):\n    def run(self):\n        self.run_command('build_man')\n"
        f"class Build(build):\n    def run(self):\n{build or '        pass'}\n"
        "setup(cmdclass={'build_man': Man, 'build': Build, 'install_man': Install})\n"
    )
    assert names(START + script, "program") == ({"msgfmt"} if run else set())


def test_a_program_without_which_a_build_fails_only_where_a_variable_says_so() -> None:
    test = "if not shutil.which('msgfmt') and {}os.environ.get('STRICT') == '1':\n    raise RuntimeError\nsetup()\n"
    assert names(START + test.format(""), "program") == set()
    assert names(START + test.format("not "), "program") == {"msgfmt"}


def test_a_list_of_libraries_that_another_takes_the_place_of() -> None:
    first = f"{START}libraries = ['one']\nprint(libraries)\n"
    replaced = f"{first}if sys.platform.startswith('linux'):\n    libraries = ['two']\n"
    made = "setup(ext_modules=[Extension('a', ['a.c'], libraries=libraries{more})]{command})\n"
    assert names(replaced + made.format(more="", command="")) == {"two"}
    unknown = made.format(more=" + re.findall('l(.*)', os.popen('tell').read())", command="")
    command = made.format(more="", command=", cmdclass={'build_ext': Build}")
    assert names(replaced + unknown) == names(replaced + command) == {"one", "two"}
    later = f"{START}made = Extension('a', ['a.c'])\nmade.libraries = ['yaml']\nsetup(ext_modules=[made])\n"
    assert names(later) == {"yaml"}


def test_a_list_of_libraries_that_no_extension_has() -> None:
    made = "libs = ['one']\nsetup(use_scm_version=True, ext_modules=[Extension('a', ['a.c'])]{more})\n"
    assert names(START + made.format(more="")) == set()
    assert names(START + made.format(more=", cmdclass={'build_ext': Build}")) == {"one"}


def test_a_source_that_is_there_in_either_case() -> None:
    chosen = "source = 'a.pyx' if platform.machine() in read() else 'a.c'\nif os.path.exists(source):\n"
    script = f"{START}{chosen}    setup(ext_modules=[Extension('a', [source], libraries=['one'])])\n"
    assert names(script, a_DOT_pyx="x", a_DOT_c="x") == names(script, need="optional", a_DOT_pyx="x") == {"one"}


@pytest.mark.parametrize(
    "call",
    [
        "os.system('cmake ' + told())",
        "os.system('cmake %s' % told())",
        "os.system('cmake %s -j%d' % (told(), told()))",
        "os.system('cmake {}'.format(told()))",
        "os.system(' '.join(['cmake', told()]))",
        "os.system(f'cd {told()} && cmake .')",
        'os.system(f"""cd {told()}\n  cmake {told()} .""")',
        "subprocess.check_call(f'cmake {told()}'.split())",
        "subprocess.check_call(shlex.split(f'cmake {told()} .'))",
        "given = os.environ.get('GIVEN', '')\nif 'X' not in given:\n  given += f' -DX={told()}'\n"
        "os.system(f'cmake {given} .')",
    ],
)
def test_a_command_line_of_which_parts_are_not_known(call: str) -> None:
    assert names(f"{START}import shlex\n{call}\nsetup()\n", "program") == {"cmake"}


@pytest.mark.parametrize("call", ["f'{told()} cmake'", "f'{sys.executable} setup.py cmake'", "'cmake' + told()"])
def test_a_command_line_that_starts_with_what_is_not_known(call: str) -> None:
    assert names(f"{START}os.system({call})\nsetup()\n", "program") == set()


def test_options_of_which_parts_are_not_known() -> None:
    script = f"{START}setup(ext_modules=[Extension('a', ['a.c'], extra_link_args=('-lyaml -L%s' % told()).split())])\n"
    assert names(script) == {"yaml"}
    assert names(f"{START}os.system('pkg-config --libs yaml-0.1 ' + told())\nsetup()\n", "pkg-config") == {"yaml-0.1"}


def test_a_loop_that_ends_the_build_where_nothing_ends_the_loop() -> None:
    loop = (
        "for folder in ('/usr/include', '/usr/local/include'):\n    if os.path.exists(folder + '/yaml.h'):\n"
        "        libs = ['yaml']\n        break\nelse:\n    {otherwise}\n"
    )
    for otherwise, need in (("sys.exit('no yaml')", "required"), ("libs = []", "optional")):
        assert names(START + loop.format(otherwise=otherwise) + EXT, "header", need) == {"yaml.h"}


def test_a_function_that_a_command_has_executed() -> None:
    script = (
        "from setuptools.command.build_py import build_py\nclass Build(build_py):\n  def run(self):\n"
        "    self.execute(self.make, ('bison',))\n  def make(self, tool):\n    os.system(f'{tool} a.y')\n"
        "setup(cmdclass={'build_py': Build})\n"
    )
    assert names(START + script, "program") == {"bison"}


@pytest.mark.parametrize(
    ("load", "text"),
    [
        ("json.load(open('own.json'))", '{"libs": ["yaml"]}'),
        ("json.loads(open('own.json').read())", '{"libs": ["yaml"]}'),
        ("tomllib.load(open('own.json', 'rb'))", 'libs = ["yaml"]'),
        ("ast.literal_eval(open('own.json').read())", "{'libs': ['yaml']}"),
    ],
)
def test_settings_that_a_script_loads(load: str, text: str) -> None:
    script = f"{START}import ast, json, tomllib\nown = {load}\nlibs = own['libs']\n{EXT}"
    assert names(script, own_DOT_json=text) == {"yaml"}
    assert names(script, own_DOT_json="[" * 5_000) == set()


def test_a_module_beside_setup_py_that_helps() -> None:
    script = f"{START}import setup_libs\nlibs = setup_libs.LIBS\n{EXT}"
    assert names(script, setup_libs_DOT_py="LIBS = ['yaml']\n") == {"yaml"}


def test_languages_by_their_tools_and_sources() -> None:
    assert names(f"{START}subprocess.check_call(['go', 'build'])\nsetup()\n", "language") == {"go"}
    assert "go" in names(f"{START}setup(ext_modules=[Extension('a', ['a.go'])])\n", "language")
    assert names(f"{START}os.system('cd lib && ./bootstrap')\nsetup()\n", "program") >= {"autoreconf"}


def test_lists_that_a_dictionary_makes() -> None:
    script = f"{START}from collections import defaultdict\nhow = defaultdict(list)\nhow['libraries'].append('yaml')\n"
    assert names(f"{script}setup(ext_modules=[Extension('a', ['a.c'], **how)])\n") == {"yaml"}


def test_what_a_loop_that_ends_early_has_set() -> None:
    script = (
        "from shutil import which\ntool = None\nfor name in ('pkg-config', 'pkgconf'):\n"
        "    if which(name) is not None:\n        tool = name\n        break\n"
        "if tool is not None:\n    subprocess.check_output([tool, '--libs', 'yaml-0.1'])\n"
        "else:\n    raise OSError('no pkg-config')\nsetup()\n"
    )
    assert names(START + script, "pkg-config") == {"yaml-0.1"}


FOUND = "found = False\n"
ASKED = "subprocess.check_output(['pkg-config', '--libs', {name}])"


@pytest.mark.parametrize(
    "tries",
    [
        FOUND + "try:\n    " + ASKED.format(name="'yaml-0.1'") + "\n    found = True\nexcept Exception:\n    pass\n",
        "try:\n    "
        + ASKED.format(name="'yaml-0.1'")
        + "\nexcept Exception:\n    found = False\nelse:\n    found = True\n",
        FOUND
        + "for name in ('yaml-0.1', 'yaml'):\n    try:\n        "
        + ASKED.format(name="name")
        + "\n        found = True\n    except Exception:\n        pass\n",
    ],
)
def test_a_flag_that_tells_whether_a_trial_worked(tries: str) -> None:
    for otherwise, need in (("raise Exception('none')", "required"), ("print('none')", "optional")):
        found = names(f"{START}{tries}if not found:\n    {otherwise}\nsetup()\n", "pkg-config", need)
        assert "yaml-0.1" in found
        kept = tries.replace("found", "how['found']")
        found = names(f"{START}how = {{}}\n{kept}if not how['found']:\n    {otherwise}\nsetup()\n", "pkg-config", need)
        assert "yaml-0.1" in found


@pytest.mark.parametrize(
    "adds",
    [
        "if 'OWN' in os.environ:\n    left_out.append('yaml')\n",
        "for name in os.environ:\n    if 'OWN' in name:\n        left_out.append('yaml')\n",
        "if unknown():\n    left_out.append('other')\n",
    ],
)
def test_lists_to_which_the_environment_adds(adds: str) -> None:
    script = f"{START}left_out = ['own']\n{adds}libs = ['yaml'] if 'yaml' not in left_out else []\n{EXT}"
    assert names(script) == {"yaml"}
    assert names(script.replace("'other'", "'yaml'").replace("'OWN' in os.environ", "unknown()")) == (
        {"yaml"} if "for" in adds else set()
    )


def test_fortran_that_f2py_compiles() -> None:
    assert names(f"{START}subprocess.check_call(['f2py', '-m', 'a', '-c', 'a.f'])\nsetup()\n", "language") == {
        "fortran"
    }
    assert names(f"{START}subprocess.check_call(['f2py', '-m', 'a', 'a.f'])\nsetup()\n", "language") == set()


@pytest.mark.parametrize(("other", "need"), [("None", "required"), ("told()", "optional")])
def test_what_something_else_may_make_up_for(other: str, need: str) -> None:
    script = (
        "def read():\n    try:\n        return subprocess.check_output(['git', 'describe'])\n"
        f"    except Exception:\n        return None\nversion = read() or {other}\n"
        "if not version:\n    raise ValueError('no version')\nsetup(version=version)\n"
    )
    assert names(START + script, "program", need) == {"git"}


HAS = "def has(name):\n    return subprocess.call(['pkg-config', '--exists', name]) == 0\n"


def test_a_list_of_what_is_missing() -> None:
    script = (
        f"{HAS}missing = []\nfor name in ('yaml-0.1', 'libpng'):\n    if not has(name):\n        missing.append(name)\n"
        "if missing:\n    {otherwise}\nsetup()\n"
    )
    for otherwise, need in (("sys.exit('missing')", "required"), ("print(missing)", "optional")):
        assert names(START + script.format(otherwise=otherwise), "pkg-config", need) == {"yaml-0.1", "libpng"}


@pytest.mark.parametrize(
    "script",
    [
        "if has('yaml-0.1'):\n    how = 1\nelif has('libpng'):\n    how = 2\nelse:\n    raise Exception('none')\n",
        "if not any(has(name) for name in ('yaml-0.1', 'libpng')):\n    raise Exception('none')\n",
    ],
)
def test_of_several_ways_the_first_is_taken(script: str) -> None:
    found = {need: names(f"{START}{HAS}{script}setup()\n", "pkg-config", need) for need in ("required", "optional")}
    assert found == {"required": {"yaml-0.1"}, "optional": {"libpng"}}


POETRY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n[tool.poetry.build]\n'
BUILD = "import cffi, subprocess\nffi = cffi.FFI()\nffi.set_source('a', '#include <yaml.h>')\ndef build(kwargs):\n "


@pytest.mark.parametrize(
    ("more", "pyproject", "expected"),
    [
        ("", "", set()),  # poetry runs it, and nothing calls the function
        ("", "generate-setup-file = true\n", {"make", "yaml.h"}),
        ("build({})\n", "", {"make", "yaml.h"}),
    ],
)
def test_a_build_script_of_poetry_is_a_program(more: str, pyproject: str, expected: set[str]) -> None:
    script = f"{BUILD}subprocess.check_call(['make'])\n{more}"
    files = {"pyproject.toml": f'{POETRY}script = "build.py"\n{pyproject}'.encode(), "build.py": script.encode()}
    found = [item for item in find_in(files) if isinstance(item, Evidence)]
    assert {item.name for item in found if item.kind in ("program", "header")} == expected


def test_a_command_without_extensions_is_not_run() -> None:
    script = """\
from setuptools import setup
from setuptools.command.build_ext import build_ext
import subprocess
class Build(build_ext):
    def run(self):
        subprocess.check_call(['cmake', '.'])
modules = []
setup(ext_modules=modules, cmdclass=dict(build_ext=Build))
"""
    assert names(script, "program") == set()
    assert names(script.replace("[]", "[Extension('a', [])]", 1), "program") == {"cmake"}


def test_a_static_library_that_the_build_makes() -> None:
    script = """\
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
class Build(build_ext):
    def build_extensions(self):
        for e in self.extensions:
            e.libraries = ['mimalloc', 'yaml']
        self.compiler.create_static_lib(self.compiler.compile(['m.c']), 'mimalloc', output_dir='build')
        build_ext.build_extensions(self)
setup(ext_modules=[Extension('a', ['a.c'])], cmdclass={'build_ext': Build})
"""
    assert names(script) == {"yaml"}
