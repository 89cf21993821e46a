"""Command lines that a build script runs: which modules of pkg-config and which programs they ask for. Pure."""

import re
from collections.abc import Iterator, Sequence

from wheelbase.source.findings import Flag
from wheelbase.source.python_conditions import Guard, Request, both
from wheelbase.source.python_values import Const, Either, Many, Said, Unknown, Value, texts

_PROGRAMS = frozenset(
    "swig cmake make gmake ninja meson autoreconf autoconf automake libtoolize aclocal cargo rustc go protoc mpicc"
    " mpicxx mpic++ mpif90 mpif77 nvcc hipcc gfortran flex bison yacc lex nasm yasm bazel scons waf qmake gperf ragel"
    " gawk m4 perl tclsh node npm javac mvn gradle ghc patchelf patch thrift capnp flatc glib-compile-resources"
    " gdbus-codegen wayland-scanner msgfmt rpm xxd unzip makeinfo dot bindgen sip premake4 premake5 xmake R swipl"
    " autoheader autopoint intltoolize intltool-update gtkdocize glib-mkenums glib-genmarshal g-ir-scanner valac"
    " xsltproc re2c lemon rpcgen soapcpp2 wsdl2h omniidl slice2cpp slice2py ecpg dtc iasl llc help2man asciidoc a2x"
    " pandoc sphinx-build pyrcc5 pyuic5 qmake6 java jar ant mcs luac Rscript ocamlfind ocamlopt dune gnatmake gdc ldc2"
    " nim crystal erlc tsc yarn sassc rsvg-convert rsync hg svn 7z lzip".split()
)
_COMPILERS = frozenset("gcc g++ cc c++ clang clang++".split())
_FORMS = dict.fromkeys(("autogen.sh", "bootstrap.sh", "autogen", "bootstrap"), "autoreconf")
_FORMS |= {"gmake": "make", "cmake3": "cmake"}
SHELL = ".sh"
_WRAPPERS = frozenset(("env", "sudo", "nice", "time", "ccache", "exec", "command", "bash", "sh", "-c", "-e", "-x"))
_PKG_CONFIG = re.compile(r"([\w.+]+-)*(pkg-?config|pkgconf|pkg_config)(\.exe)?", re.IGNORECASE)
_CONFIG = re.compile(r"([a-zA-Z][\w.+-]{0,40}-config|[a-zA-Z][a-zA-Z0-9]{0,20}_config)(-\d(\.\d)?|-64)?")
_NOT_SYSTEM = re.compile(
    r"(python|py|pypy|build|site|numpy|sys|user|setup|test|my|get|set|read|load|parse|show|no|with|f2py|default|pybind11"
    r"|project|package|with-.*|without-.*|enable-.*|disable-.*|compiler|ext|extension|run|make|git|pip|conda|local|_|torch)\d?(\.\d+)?[-_]config.*",
    re.IGNORECASE,
)
_MODULE = re.compile(r"[A-Za-z][\w+.-]{0,80}")
_SEPARATOR = re.compile(r"&&|\|\||[;|`\n]|\$\(")
_MOST_TOLD = 3
_OPERATORS = frozenset(("=", "==", ">", "<", ">=", "<=", "!="))
_PROBES = (
    "--exists",
    "--atleast-version",
    "--modversion",
    "--exact-version",
    "--max-version",
    "--list-all",
    "--print-errors",
)
_GIT_FETCHES = frozenset(("clone", "submodule", "fetch", "pull"))
_MAX_WORDS = 200
_MAX_LINE = 4_000


def is_config_program(word: str) -> bool:
    """Say whether a word is the name of a program that tells how to link a library ("pg_config", "curl-config")."""
    return bool(_CONFIG.fullmatch(word)) and not _NOT_SYSTEM.fullmatch(word) and not _PKG_CONFIG.fullmatch(word)


def is_pkg_config(word: str) -> bool:
    """Say whether a word is pkg-config, or one of its forms for another machine."""
    return bool(_PKG_CONFIG.fullmatch(word))


def is_program(word: str) -> bool:
    """Say whether a word is a program that builds run and that systems have as a package."""
    return word in _PROGRAMS or word in _FORMS or is_config_program(word)


def find_in_command(value: Value, where: str, guard: Guard, *, sure: bool) -> Iterator[Request | Flag]:
    """Yield what a command line asks for. It is `sure` where the call is known to run commands."""
    for line in _lines(value, where, guard):
        for command in _split(line):
            yield from _of_command(command, sure=sure)


def _lines(value: Value, where: str, guard: Guard, depth: int = 0) -> Iterator[list[Said]]:
    """Yield command lines, as lists of words; alternatives one by one."""
    if depth > 3:
        return
    if isinstance(value, Either):
        for own, inner in value.options:
            yield from _lines(inner, where, both(guard, own), depth + 1)
    elif isinstance(value, Many) and value.items and isinstance(first := value.items[0][1], Either):
        for own, inner in first.options:
            head = both(value.items[0][0], own), inner
            yield from _lines(Many([head, *value.items[1:]]), where, guard, depth + 1)
    elif isinstance(value, Many):
        words: list[Said] = []
        for own, item in value.items[:_MAX_WORDS]:
            words += _words(item, where, both(guard, own), first=not words)
        yield words
    elif isinstance(value, Const | Unknown):
        yield _words(value, where, guard, first=True)


def _words(value: Value, where: str, guard: Guard, *, first: bool) -> list[Said]:
    if isinstance(value, Unknown) and value.text is None and first:
        last = value.name.rsplit(".", 1)[-1].lower()
        return [Said("pkg-config" if "pkg" in last and "config" in last else "?", where, guard)]
    found: list[Said] = []
    for said in texts(value, guard):
        place = said.where or where
        cut = _SEPARATOR.sub(" | ", said.text[:_MAX_LINE])
        found += [Said(word.strip("'\"()"), place, said.guard) for word in cut.split()[:_MAX_WORDS]]
    return found or [Said("?", where, guard)]


def _split(words: Sequence[Said]) -> Iterator[list[Said]]:
    command: list[Said] = []
    for word in words:
        if word.text == "|":
            yield command
            command = []
        elif command or not _is_wrapper(word.text):
            command.append(word)
    yield command


def _is_wrapper(word: str) -> bool:
    """Say whether a word stands before the program that is run: `/usr/bin/env`, `LANG=C`."""
    return word.rsplit("/", 1)[-1] in _WRAPPERS or bool(_MODULE.match(word) and "=" in word)


def _of_command(words: list[Said], *, sure: bool) -> Iterator[Request | Flag]:
    if not words:
        return
    first, rest = words[0], words[1:]
    name = first.text.rsplit("/", 1)[-1]
    if is_pkg_config(name):
        yield from modules_of(rest, weight=0.95)
    elif is_config_program(name):
        if sure or any(word.text.startswith("-") for word in rest):
            yield Request("program", name, first.where, first.guard, 0.9)
    elif sure and name in ("curl", "wget", "aria2c") and rest:
        address = next((word.text for word in rest if "://" in word.text), "a file")
        yield Flag(kind="download", text=f"{name} fetches {address}", where=first.where, condition=told(first.guard))
    elif sure and name == "git" and rest and rest[0].text in _GIT_FETCHES:
        address = next((word.text for word in rest if "://" in word.text), "sources")
        yield Flag(
            kind="download",
            text=f"git {rest[0].text} fetches {address}",
            where=first.where,
            condition=told(first.guard),
        )
    elif sure and name == "f2py" and any(word.text == "-c" for word in rest):
        yield Request("language", "fortran", first.where, first.guard, 0.8)
    elif sure and name in _COMPILERS:
        if name.startswith("clang"):
            yield Request("program", name, first.where, first.guard, 0.8)
        for word in rest:
            if word.text.startswith("-l") and _MODULE.fullmatch(word.text[2:]):
                place = word.where or first.where
                yield Request("library", word.text[2:], place, word.guard, 0.8, probe=True)  # it may be a trial
    elif sure and (name in _PROGRAMS or name in _FORMS or name == "configure" or name.endswith(SHELL)):
        yield Request("language" if name == "go" else "program", _FORMS.get(name, name), first.where, first.guard, 0.8)


def told(guard: Guard) -> str:
    """Return the innermost conditions as one text."""
    return " and ".join(str(condition) for condition in guard[-_MOST_TOLD:])


def modules_of(words: Sequence[Said], weight: float, *, probe: bool = False) -> Iterator[Request]:
    """Yield the modules that the arguments of pkg-config name; one that only looks for them is a probe."""
    looking = probe or any(word.text.startswith(_PROBES) for word in words)
    looking = looking and not any(word.text.startswith(("--cflags", "--libs")) for word in words)
    skip = False
    for word in words:
        text = word.text
        if skip:
            skip = False
        elif text in _OPERATORS:
            skip = True
        elif text.startswith(("-", ">", "<", "=")):
            skip = text in ("--atleast-version", "--exact-version", "--max-version", "--variable", "--define-variable")
        elif is_config_program(text):
            yield Request("program", text, word.where, word.guard, weight)  # another way to the same
        elif _MODULE.fullmatch(name := re.split(r"[<>=]", text, maxsplit=1)[0]) and len(name) > 1:
            yield Request("pkg-config", name, word.where, word.guard, weight, probe=looking)
