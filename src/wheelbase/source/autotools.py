"""What `configure` scripts that a Python build runs ask of the system.

They look for far more than they need, and the options that a build gives them decide: what they look for is weak and
optional, unless they end with an error where it is missing.
"""

import re
from collections.abc import Iterator, Mapping

from wheelbase.source.autotools_reader import arguments_of, calls_that_must_succeed, without_comments
from wheelbase.source.findings import LINKED_ANYWAY, Evidence
from wheelbase.source.own_headers import library_of
from wheelbase.source.syntax import plain_texts
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

_WEIGHT = 0.4
_REQUIRED_WEIGHT = 0.7
_MAX_SCRIPTS = 20
_MAX_CALLS = 500  # of one script

_RUNS = re.compile(r"\bconfigure[\"' ]|\./configure|autogen|autoreconf|autoconf")
"""How a build script runs one."""

_RUN_BY_CMAKE = re.compile(r"\bCOMMAND\s+(?:sh\s+|autoreconf|\S*autogen|\S*/configure)")

_MAKERS = {
    "automake": re.compile(
        r"^[ \t]*AC_INIT\b", re.MULTILINE
    ),  # autoreconf runs its aclocal in any case; brings autoconf
    "libtoolize": re.compile(r"^[ \t]*(?:LT_INIT|AC_PROG_LIBTOOL|AM_PROG_LIBTOOL)\b", re.MULTILINE),
}

_OPTION = re.compile(r"--(enable|disable|with|without)-([a-z][a-z0-9-]{0,40})(?:=([a-z]{1,20}))?\b")

_CALLS = re.compile(
    r"\b(AC_CHECK_LIB|AC_SEARCH_LIBS|AC_CHECK_HEADERS?|PKG_CHECK_MODULES|PKG_CHECK_EXISTS|AC_PATH_PROGS?|AC_CHECK_PROGS?"
    r"|AX_CHECK_LIBRARY|AC_CHECK_TOOL|AC_HAVE_LIBRARY)\("
)
_LINKED_ANYWAY = LINKED_ANYWAY | frozenset(  # and those of other systems
    "socket posix4 network inet ws2_32 winmm bsd compat sendfile kstat kvm perfstat dld svld xnet thr odm cfg".split()
)
_HAD_ANYWAY = frozenset(
    "ar ranlib strip ld nm cc gcc python python3 true false test sed awk gawk grep install"
    " doxygen git dot latex pdflatex".split()
)
_OF_SYSTEM = re.compile(r"(sys|net|netinet6?|arpa|mach|linux|asm|bits|CommonCrypto)/|windows|winsock|ws2|intrin\.h")
_MAX_HEADERS = 6  # of one check: longer lists ask what the C library has
_NAME = re.compile(r"[A-Za-z_][\w.+/-]{0,99}")
_PROJECT = re.compile(r"^[ \t]*AC_INIT\(\s*\[?([\w.+-]{1,60})", re.MULTILINE)
_GENERATED = (
    re.compile(r"checking for (?:library containing )?\w{1,80} in -l([\w+.-]{1,60})"),
    re.compile(r"--print-errors \\?\"([A-Za-z][\w.+ <>=-]{0,200})\\?\""),
)


def find_in_autotools(tree: SourceTree) -> Iterator[Evidence]:
    """Yield what the configure scripts look for that the archive's build runs."""
    scripts = [path for path in tree.sizes if path.endswith(".py") and path.count("/") < 2 and not is_vendored(path)]
    runs = [text for path in sorted(scripts) if _RUNS.search(text := tree.text(path)) and _builds(path)]
    by_cmake = [text for path in tree.named("CMakeLists.txt") if _RUN_BY_CMAKE.search(text := tree.text(path))]
    runs += by_cmake
    if not runs:
        return
    sources = list(tree.named("configure.ac", "configure.in"))
    folders = {path.rpartition("/")[0] for path in sources}
    generated = [path for path in tree.named("configure") if path.rpartition("/")[0] not in folders]
    options = _options_of(runs)
    own = {library_of(project) for path in sources for project in _PROJECT.findall(tree.text(path))}
    found: dict[tuple[Kind, str], Evidence] = {}
    for path in sources[:_MAX_SCRIPTS]:
        folder = path.rpartition("/")[0].rpartition("/")[2]
        outer = next((f"{other}/" for other in folders if path.startswith(f"{other}/{folder}/")), "")
        passed_on = not outer or "AC_CONFIG_SUBDIRS" in tree.text(f"{outer}configure.ac")
        run = passed_on and not is_vendored(path) and any(folder in text for text in runs)
        # What scripts in Python run to make it, they say themselves, with the conditions.
        if run and by_cmake and path.rpartition(".")[0] not in tree:
            yield from _makers(path, tree.text(path))
        for kind, name, line, must in _asked(tree.text(path), options):
            known = found.get((kind, name))
            must &= run and library_of(name) not in own
            if known is None or (must and known.need == "optional"):
                found[kind, name] = _evidence(kind, name, f"{path}:{line}", required=must)
    for path in generated[:_MAX_SCRIPTS]:
        for kind, name, line in _in_generated(tree.text(path)):
            found.setdefault((kind, name), _evidence(kind, name, f"{path}:{line}", required=False))
    yield from found.values()


def _makers(path: str, text: str) -> Iterator[Evidence]:
    """Yield the programs that make a configure script that the archive does not have."""
    for program, asked in _MAKERS.items():
        if found := asked.search(text):
            where = f"{path}:{text.count(chr(10), 0, found.start()) + 1}"
            yield Evidence(kind="program", name=program, where=where, weight=_REQUIRED_WEIGHT)


def _evidence(kind: Kind, name: str, where: str, *, required: bool) -> Evidence:
    if required:
        return Evidence(kind=kind, name=name, where=where, weight=_REQUIRED_WEIGHT)
    weight = _WEIGHT * _WEIGHT if is_vendored(where) else _WEIGHT
    return Evidence(kind=kind, name=name, where=where, need="optional", weight=weight, condition="configure")


def _options_of(runs: list[str]) -> dict[str, str | None]:
    """Return the options that build scripts give, as the variables that hold them; None for one of several values."""
    options: dict[str, str | None] = {}
    for text in (literal for script in runs for literal in plain_texts(script)):
        for word, name, value in _OPTION.findall(text):
            variable = f"{'enable' if word in ('enable', 'disable') else 'with'}_{name.replace('-', '_')}"
            given = value or ("yes" if word in ("enable", "with") else "no")
            options[variable] = given if options.get(variable, given) == given else None
    return options


def _builds(path: str) -> bool:
    """Say whether a script belongs to the build, as far as its name tells: those in the archive's folder all may."""
    return "/" not in path or any(word in path for word in ("setup", "build", "compile"))


def _asked(text: str, options: Mapping[str, str | None]) -> Iterator[tuple[Kind, str, int, bool]]:
    """Yield (kind, name, line, whether it has to be there) of each library, header, module and program."""
    text = without_comments(text)
    required = calls_that_must_succeed(text, options)
    line = counted = 0
    for count, match in enumerate(_CALLS.finditer(text)):
        if count >= _MAX_CALLS:
            return
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        must = match.start() in required
        for kind, name in _of_call(match[1], arguments_of(text, match.end())[0]):
            if _NAME.fullmatch(name):
                yield kind, name, line + 1, must
                must = must and match[1] != "AC_SEARCH_LIBS"  # of which one suffices


def _of_call(macro: str, arguments: list[str]) -> Iterator[tuple[Kind, str]]:
    first, second = (*arguments, "", "")[:2]
    if macro in ("AC_CHECK_LIB", "AC_HAVE_LIBRARY", "AX_CHECK_LIBRARY"):
        names = first.split()[:1]
        yield from (("library", name.removeprefix("-l")) for name in names if name not in _LINKED_ANYWAY)
    elif macro == "AC_SEARCH_LIBS":
        yield from (("library", name) for name in second.split()[:20] if name not in _LINKED_ANYWAY)
    elif macro.startswith("AC_CHECK_HEADER"):
        names = [name for name in first.split() if name.endswith((".h", ".hpp")) and not _OF_SYSTEM.match(name)]
        yield from (("header", name) for name in names if len(first.split()) <= _MAX_HEADERS)
    elif macro.startswith("PKG_CHECK"):
        yield from (("pkg-config", name) for name in _modules(first if macro == "PKG_CHECK_EXISTS" else second))
    elif first != "PYTHON":
        yield from (("program", name) for name in second.split()[:1] if name not in _HAD_ANYWAY)


def _modules(text: str) -> Iterator[str]:
    """Yield the modules of "a >= 1.2 b, c": what follows a comparison is a version."""
    version = False
    for word in text.replace(",", " ").split()[:50]:
        comparison = word.strip("<>=") == ""
        if not comparison and not version:
            yield re.split(r"[<>=]", word, maxsplit=1)[0]
        version = comparison


def _in_generated(text: str) -> Iterator[tuple[Kind, str, int]]:
    for pattern, kind in zip(_GENERATED, ("library", "pkg-config"), strict=True):
        line = counted = 0
        for match in pattern.finditer(text):
            line, counted = line + text.count("\n", counted, match.start()), match.start()
            names = _modules(match[1]) if kind == "pkg-config" else iter([match[1]])
            for name in (name.rstrip(".") for name in names):
                if name not in _LINKED_ANYWAY and _NAME.fullmatch(name):
                    yield ("pkg-config" if kind == "pkg-config" else "library"), name, line + 1
