"""What `configure` scripts that a Python build runs ask of the system.

They look for far more than they need, and the options that a build gives them decide: all of it is weak and optional.
"""

import re
from collections.abc import Iterator

from wheelbase.source.findings import LINKED_ANYWAY, Evidence
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

_WEIGHT = 0.4
_MAX_SCRIPTS = 20
_MAX_CALLS = 500  # of one script
_MAX_ARGUMENTS = 2_000  # characters of one call

_RUNS = re.compile(r"\bconfigure[\"' ]|\./configure|autogen|autoreconf|autoconf")
"""How a build script runs one."""

_CALLS = re.compile(
    r"\b(AC_CHECK_LIB|AC_SEARCH_LIBS|AC_CHECK_HEADERS?|PKG_CHECK_MODULES|PKG_CHECK_EXISTS|AC_PATH_PROGS?|AC_CHECK_PROGS?"
    r"|AX_CHECK_LIBRARY|AC_CHECK_TOOL|AC_HAVE_LIBRARY)\("
)
_COMMENT = re.compile(r"(^|[ \t])(dnl\b|#)[^\n]*", re.MULTILINE)
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
_GENERATED = (
    re.compile(r"checking for (?:library containing )?\w{1,80} in -l([\w+.-]{1,60})"),
    re.compile(r"--print-errors \\?\"([A-Za-z][\w.+ <>=-]{0,200})\\?\""),
)


def find_in_autotools(tree: SourceTree) -> Iterator[Evidence]:
    """Yield what the configure scripts look for that the archive's build runs."""
    scripts = [path for path in tree.sizes if path.endswith(".py") and path.count("/") < 2 and not is_vendored(path)]
    runs = [text for path in sorted(scripts) if _RUNS.search(text := tree.text(path)) and _builds(path)]
    if not runs:
        return
    sources = list(tree.named("configure.ac", "configure.in"))
    folders = {path.rpartition("/")[0] for path in sources}
    generated = [path for path in tree.named("configure") if path.rpartition("/")[0] not in folders]
    found: dict[tuple[Kind, str], Evidence] = {}
    for path in [*sources[:_MAX_SCRIPTS], *generated[:_MAX_SCRIPTS]]:
        for kind, name, line in _asked(tree.text(path), generated=path in generated):
            if (kind, name) not in found:
                found[kind, name] = Evidence(
                    kind=kind,
                    name=name,
                    where=f"{path}:{line}",
                    need="optional",
                    weight=_weight(path),
                    condition="configure",
                )
    yield from found.values()


def _weight(path: str) -> float:
    return _WEIGHT * _WEIGHT if is_vendored(path) else _WEIGHT


def _builds(path: str) -> bool:
    """Say whether a script belongs to the build, as far as its name tells: those in the archive's folder all may."""
    return "/" not in path or any(word in path for word in ("setup", "build", "compile"))


def _asked(text: str, *, generated: bool) -> Iterator[tuple[Kind, str, int]]:
    """Yield (kind, name, line) of each library, header, module and program."""
    if generated:
        yield from _in_generated(text)
        return
    text = _COMMENT.sub("", text)
    line = counted = 0
    for count, match in enumerate(_CALLS.finditer(text)):
        if count >= _MAX_CALLS:
            return
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        for kind, name in _of_call(match[1], _arguments(text, match.end())):
            if _NAME.fullmatch(name):
                yield kind, name, line + 1


def _arguments(text: str, start: int) -> list[str]:
    """Return the arguments of an m4 macro, without the quotes around them."""
    arguments, depth, quoted, begin = [], 0, 0, start
    for position in range(start, min(len(text), start + _MAX_ARGUMENTS)):
        character = text[position]
        if character in "[]":
            quoted += 1 if character == "[" else -1
        elif quoted <= 0 and character in "()":
            depth += 1 if character == "(" else -1
        if (character == "," and not depth and quoted <= 0) or depth < 0:
            arguments.append(text[begin:position].strip().strip("[]").strip())
            begin = position + 1
            if depth < 0 or len(arguments) > 3:
                break
    return arguments


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
