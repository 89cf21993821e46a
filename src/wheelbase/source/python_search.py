"""What the calls of a build script look for: programs, modules of pkg-config, headers, libraries; and downloads."""

import ast
import posixpath
import re

from wheelbase.source.findings import Flag
from wheelbase.source.python_asked import Asked, Listener
from wheelbase.source.python_commands import find_in_command, is_pkg_config, is_program, modules_of, told
from wheelbase.source.python_conditions import Condition, Request, both
from wheelbase.source.python_evaluator import Call
from wheelbase.source.python_platform import is_elsewhere
from wheelbase.source.python_values import Const, Either, Many, Said, Unknown, Value, texts

_RUNS = frozenset(
    "check_output check_call call run Popen system popen getoutput getstatusoutput spawn exec_command run_command"
    " execute run_cmd runcmd cmd shell execvp spawnvp subprocess_run run_process check_run".split()
)
_STARTS = frozenset(f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output"))
_RAISES = frozenset(("check_output", "check_call"))  # where the program fails
_LOOKS_FOR_PROGRAM = re.compile(
    r"which|find_executable|find_program|find_on_path|find_exe\w*|search_path|locate|\w*exe(cutable)?"
)
_PKG_CONFIG_NAME = re.compile(r"pkg_?-?config|pkgconf", re.IGNORECASE)
_NAMES_MODULE = re.compile(r"(pkg|package|pkg_?config|module)(_?names?)?s?")
_CHECKS = re.compile(r"exists|installed|has|check|is_|version", re.IGNORECASE)
_PROBE = re.compile(
    r"_*(has|have|check|find|search|try|look_?for|locate|test|detect|add)_*\w*?(headers?|includes?|lib|library|libraries|function|link)"
    r"(_?file|_?dir|_?path|_?exists)?|(library|lib|header)_?exists|find_lib",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z][\w+-]{1,30}")
_MAX_NAME = 60
_HEADER = re.compile(r"[\w./+-]{1,120}\.(h|hh|hpp|hxx|H)")
_OF_SYSTEM = re.compile(r"/(?:usr/(?:local/)?|opt/\w+/)include/([\w./+-]{1,120}\.(?:h|hh|hpp))")
_LIBRARY = re.compile(r"[A-Za-z0-9][\w+.-]{0,80}")
_FILE = re.compile(
    r".*\.(py|pyx|c|cc|cpp|cxx|txt|cfg|toml|dll|lib|dylib|exe|json|in|pyd|i|rc|def|obj|o)", re.IGNORECASE
)
_STOP_WORDS = frozenset(
    "pkg-config libs cflags version prefix includedir libdir exists modversion libraries include_dirs library_dirs"
    " define_macros extra_compile_args extra_link_args static strict include lib pkg_config requires-private utf-8"
    " ascii name variable path".split()
)
_PYTHON = re.compile(r"python[\d.]*")
_DOWNLOADS = frozenset(("urlretrieve", "urlopen", "download_file", "download_url", "wget.download", "requests.get"))
_LAPACK = re.compile(r"(lapack|blas|atlas|openblas|mkl|blis|cblas)", re.IGNORECASE)


def _python_path(asked: Asked, call: Call) -> Value | None:
    if call.name in ("sys.path.insert", "sys.path.append") and call.arguments:
        asked.folders += [posixpath.normpath(said.text) for said in texts(call.arguments[-1])]
    return None


def _command(asked: Asked, call: Call) -> Value | None:
    if call.followed or (not call.arguments and "args" not in call.named):
        return None
    runs = call.last in _RUNS
    first = call.arguments[0] if call.arguments else call.named["args"]
    if not runs and isinstance(first, Const):
        return None
    started = call.name in _STARTS and isinstance(first, Many)
    for item in find_in_command(first, call.where, call.guard, sure=runs):
        if isinstance(item, Flag):
            asked.flags.append(item)
        else:
            checked = call.named.get("check")
            raises = call.last in _RAISES or (isinstance(checked, Const) and checked.value is True)
            item.demanded = item.demanded or raises
            item.started = started and item.kind == "program"
            asked.found.append(item)
    if started and next((said.text for said in texts(first)), "") == "git":
        asked.found.append(Request("program", "git", call.where, call.guard, 0.8, started=True))
    return None


def _python(asked: Asked, call: Call) -> Value | None:
    """Python that is run with a module or a script of the archive, and not on a condition."""
    line = call.arguments[0] if call.arguments else call.named.get("args")
    if call.last not in _RUNS or not isinstance(line, Many) or not line.items:
        return None
    if any(not isinstance(condition.node, ast.FunctionDef) for condition in call.guard):
        return None
    first, words = line.items[0][1], [said for guard, item in line.items[1:] if not guard for said in texts(item)]
    is_python = isinstance(first, Unknown) and first.name == "sys.executable"
    if words and (is_python or (isinstance(first, Const) and _PYTHON.fullmatch(str(first.value)))):
        if words[0].text == "-m" and len(words) > 1:
            asked.programs.append(Said(words[1].text.replace(".", "/"), call.where, ()))
        elif words[0].text.endswith(".py"):
            asked.programs.append(Said(posixpath.normpath(words[0].text), call.where, ()))
    return None


def _pkg_config(asked: Asked, call: Call) -> Value | None:
    if not _PKG_CONFIG_NAME.search(call.name) or call.last in _RUNS or is_elsewhere(call.last):
        return None
    if any(isinstance(item, Request) and item.kind == "pkg-config" for item in asked.found[call.before :]):
        return None  # following it told more than its name does
    named = [value for name, value in call.named.items() if _NAMES_MODULE.fullmatch(name)]
    given = named if named and call.last.endswith("Extension") else call.arguments  # the first is the extension's name
    words = [said for value in given for said in texts(value, call.guard)]
    words = [Said(part, said.where or call.where, said.guard) for said in words for part in said.text.split()[:50]]
    words = [said for said in words if said.text not in _STOP_WORDS and not _FILE.fullmatch(said.text)]
    module = call.name.startswith("pkgconfig.")
    probe = bool(_CHECKS.search(call.last)) and call.last != "configure_extension"
    new = list(modules_of([w for w in words if "/" not in w.text], 0.95 if module else 0.85, probe=probe))
    asked.found += new
    return Unknown(call.name, tuple(new)) if new and not call.followed else None


def _probe(asked: Asked, call: Call) -> Value | None:
    last = call.last
    if len(last) > _MAX_NAME or not _PROBE.fullmatch(last) or is_elsewhere(last) or call.name.startswith("config."):
        return None
    new: list[Request] = []
    functions = "function" in last.lower() or "link" in last.lower()
    given = [] if functions else [said for value in call.arguments for said in texts(value, call.guard)]
    for name in ("libraries", "library", "lib", "includes", "headers", "header", "include", "name", "names"):
        given += list(texts(call.named.get(name), call.guard))
    for said in given:
        where = said.where or call.where
        if _HEADER.fullmatch(said.text) and not said.text.startswith("/"):
            new.append(Request("header", said.text, where, said.guard, 0.7, probe=True))
        elif not ("lib" in last.lower() or functions):
            continue
        elif _LIBRARY.fullmatch(said.text) and not _FILE.fullmatch(said.text):
            name = said.text.removeprefix("lib") or said.text
            new.append(Request("library", name, where, said.guard, 0.7, probe=True))
    asked.found += new
    return Unknown(call.name, tuple(new)) if new else None


def _header_probe(asked: Asked, call: Call) -> Value | None:
    """A test whether a header is there in a folder of the system."""
    if call.last not in ("exists", "isfile", "is_file", "access") or call.followed:
        return None
    given = call.owner if isinstance(call.owner, Const | Either) else next(iter(call.arguments), None)
    new = [
        Request("header", found[1], said.where or call.where, said.guard, 0.7, probe=True)
        for said in texts(given, call.guard)
        if (found := _OF_SYSTEM.fullmatch(said.text))
    ]
    asked.found += new
    return Unknown(call.name, tuple(new)) if new else None


def _program_probe(asked: Asked, call: Call) -> Value | None:
    if not _LOOKS_FOR_PROGRAM.fullmatch(call.last.lstrip("_")) or not call.arguments:
        return None
    for said in texts(call.arguments[0], call.guard):
        if is_program(said.text) or is_pkg_config(said.text) or (call.last == "which" and _WORD.fullmatch(said.text)):
            text = Const(said.text, said.where or call.where)
            if is_pkg_config(said.text):
                return Const(said.text, said.where, default=True)  # what else it asks for cannot be found without
            request = Request("program", said.text, said.where or call.where, said.guard, 0.7, probe=True)
            asked.found.append(request)
            return Unknown(call.name, (request,), text)
    return None


def _download(asked: Asked, call: Call) -> Value | None:
    if call.followed or not (call.last in _DOWNLOADS or call.name in _DOWNLOADS):
        return None
    address = next((said.text for value in call.arguments for said in texts(value) if "://" in said.text), "a file")
    text = f"{call.last} fetches {address[:120]}"
    asked.flags.append(Flag(kind="download", text=text, where=call.where, condition=told(call.guard)))
    return None


def _numpy_info(asked: Asked, call: Call) -> Value | None:
    if call.last not in ("get_info", "get_numpy_info") or not call.arguments:
        return None
    name = next(texts(call.arguments[0]), None)
    if name is None or not _LAPACK.search(name.text):
        return None
    kind = "interface/lapack" if "lapack" in name.text.lower() else "interface/blas"
    action = call.named.get("notfound_action", call.arguments[1] if len(call.arguments) > 1 else None)
    said = action.value if isinstance(action, Const) else None
    # Whoever says 0, although it is the default, goes on without: NumPy has a slow copy of its own.
    guard = both(call.guard, (Condition(call.node),)) if said == 0 and call.node else call.guard
    request = Request("virtual", kind, name.where or call.where, guard, 0.8, probe=True, demanded=said == 2)
    asked.found.append(request)
    return Unknown(call.name, (request,))


SEARCH_LISTENERS: tuple[Listener, ...] = (
    _python_path,
    _command,
    _python,
    _pkg_config,
    _probe,
    _header_probe,
    _program_probe,
    _download,
    _numpy_info,
)
