"""What scripts ask of the files beside them: whether they are there, and what settings in them say. Pure."""

import ast
import configparser
import json
import posixpath
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from wheelbase.source.backend import Backend, read_toml
from wheelbase.source.python_evaluator import Call
from wheelbase.source.python_platform import truth
from wheelbase.source.python_values import NOTHING, Const, Either, Instance, Many, Table, Unknown, Value, texts
from wheelbase.source.tree import SourceTree

PLAIN = frozenset("setuptools wheel setuptools-scm packaging toml tomli versioneer numpy pip".split())
"""Build requirements that make no extensions, and bring no other projects that do."""
_OF_SETUPTOOLS = frozenset("setuptools distutils wheel".split())
_OLD_SETUPTOOLS = re.compile(r"\s*setuptools\b[^;]*(?:<|==|~=)")
_MAX_SETTINGS = 64 << 10
_ONLY_FILES, _ONLY_FOLDERS = ("isfile", "is_file"), ("isdir", "is_dir")
_PARSERS = ("ConfigParser", "RawConfigParser", "SafeConfigParser")
_OPTION_PARSERS = ("ArgumentParser", "OptionParser")
_OPENS = frozenset(("open", "io.open", "codecs.open"))
_READS = frozenset(("read_text", "read_bytes"))
_READ = (".h", ".c", ".hpp", ".cpp", ".cc", ".py", ".toml", ".json", ".txt")
_LOADERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("json.load", "json.loads"), json.loads),
    **dict.fromkeys(
        ("tomllib.load", "tomllib.loads", "tomli.load", "tomli.loads", "toml.load", "toml.loads"), read_toml
    ),
    "ast.literal_eval": ast.literal_eval,
}
_INSTALLS = re.compile(rb"fetch_build_eggs|easy_install|ez_setup|\bpip[\"'].{0,20}\binstall\b")
_MAKES = re.compile(
    r"check_call|check_output|call|run|Popen|system|popen|chdir|extractall?|unpack_archive|copy\w*|move|rename|replace"
    r"|urlretrieve|write_text|write_bytes"
)
"""What may make a file that is read afterwards, or change where it is looked for."""
_READERS: dict[str, Callable[[str], object]] = {
    "get": str,
    "getint": int,
    "getfloat": float,
    "getboolean": lambda text: text.lower() in ("1", "yes", "true", "on"),
}


def is_not_installed(tree: SourceTree, backend: Backend, dotted: str, *, at_first: bool = False) -> bool:
    """Say whether a build that pip isolates cannot import a module: it is no file's, and no requirement brings it.

    `at_first` is before setup() has said what else it requires: then it is run once more.
    """
    if dotted.partition(".")[0] == "pkg_resources":  # not there since setuptools 82
        return not any(_OLD_SETUPTOOLS.match(line) for line in backend.requires)
    known = tree.noted("importable", lambda: _importable(tree, backend))
    unknown = known is not None and dotted.partition(".")[0] not in known
    return unknown and (at_first or not has_setup_requires(tree))


def has_setup_requires(tree: SourceTree) -> bool:
    """Say whether setup() may ask for further build requirements."""
    return b"setup_requires" in _setup_texts(tree)


def _setup_texts(tree: SourceTree) -> bytes:
    return tree.raw("setup.py") + tree.raw("setup.cfg")


def _importable(tree: SourceTree, backend: Backend) -> frozenset[str] | None:
    """Return the names of all modules that may be there; None where what is required may bring others."""
    required = backend.required_names
    if not required <= PLAIN or _INSTALLS.search(_setup_texts(tree)):
        return None
    parts = (part for path in tree.sizes for part in path.split("/"))
    own = (part.partition(".")[0] for part in parts if "." not in part or part.endswith((".py", ".so")))
    return frozenset({*sys.stdlib_module_names, *_OF_SETUPTOOLS, *(name.replace("-", "_") for name in required), *own})


class Archive:
    """Answers from the files of an archive; what they say now is a default, as users may change them."""

    def __init__(self, tree: SourceTree) -> None:
        """Nothing is read yet."""
        self.tree = tree
        self._settings: dict[int, configparser.RawConfigParser] = {}
        self._folders: set[str] | None = None
        self._written: set[str] = set()  # by the script itself
        self._makes = False  # whether there may be other files by now than those of the archive, and these

    def lacks(self, call: Call) -> str:
        """Return the path of a file that a call reads and that is not there, empty for any other call."""
        opens, reads = call.name in _OPENS, call.last in _READS and isinstance(call.owner, Const)
        mode = call.named.get("mode", call.arguments[1] if len(call.arguments) > 1 else Const("r"))
        reading = isinstance(mode, Const) and isinstance(mode.value, str) and not set("wax+") & set(mode.value)
        path = call.owner if reads else next(iter(call.arguments), None)
        known = isinstance(path, Const) and isinstance(path.value, str) and bool(path.value) and not path.default
        name = posixpath.normpath(path.value) if known and isinstance(path, Const) else "/"
        makes = _MAKES.fullmatch(call.last) and call.name != "platform.system" and not isinstance(call.owner, Const)
        stays = call.last == "chdir" and name == "."
        self._makes = self._makes or (bool(makes) and not stays) or (opens and not reading and not known)
        if opens and not reading:
            self._written.add(name)
        if not (opens or reads) or self._makes or not self.tree.whole or name.startswith("/"):
            return ""
        return "" if name in self.tree or name in self._written or name in self._all_folders() else name

    def answer(self, call: Call) -> Value | None:
        """Return what a call gives that asks for files; None where it is another call."""
        if call.last in _PARSERS:
            return Instance("ConfigParser")
        if call.last in _OPTION_PARSERS:
            return Instance("ArgumentParser")
        if isinstance(call.owner, Instance) and call.owner.name == "ArgumentParser":
            return _of_options(call.owner, call)
        if isinstance(call.owner, Instance) and call.owner.name == "ConfigParser":
            return self._setting(call.last, call.owner, call)
        if call.name in ("os.path.exists", "os.path.isfile", "os.path.isdir", "path.exists") and call.arguments:
            return self._exists(call.arguments[0], call.last)
        if call.last in ("glob", "iglob", "rglob"):
            return self._matching(call)
        if call.name in ("os.walk", "os.listdir", "walk", "listdir"):
            return self._walked(call.arguments[0] if call.arguments else Const("."), call)
        if call.last == "iterdir" and isinstance(call.owner, Const):
            return self._walked(call.owner, call)
        if call.name in _OPENS or call.last in _READS or call.last == "read":
            return self._read_from(call)
        if call.last in ("exists", "is_file", "is_dir") and isinstance(call.owner, Const):
            return self._exists(call.owner, call.last)
        if call.name in _LOADERS and call.arguments:
            return self._loaded(call)
        if call.last in ("newer", "newer_group") and not call.followed:
            return Const(True, call.where, default=True)  # nothing has been made before
        return None

    def _loaded(self, call: Call) -> Value | None:
        """Return what a file of settings holds that a script reads."""
        given = call.arguments[0]
        text = given.attributes.entries.get("text") if isinstance(given, Instance) and given.name == "File" else given
        if not isinstance(text, Const) or not isinstance(text.value, str) or not text.where:
            return None
        try:
            return _value_of(_LOADERS[call.name](text.value), text.where)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return None

    def _read_from(self, call: Call) -> Value | None:
        """Return a file of the archive that is opened, or what is read of it: C to compile, Python to run, settings."""
        if call.last == "read" and isinstance(call.owner, Instance) and call.owner.name == "File":
            return call.owner.attributes.entries["text"]
        path = call.owner if call.last in _READS else next(iter(call.arguments), None)
        name = posixpath.normpath(path.value) if isinstance(path, Const) and isinstance(path.value, str) else ""
        if call.last == "read" or not name.endswith(_READ) or not 0 < self.tree.sizes.get(name, 0) <= _MAX_SETTINGS:
            return None
        text = Const(self.tree.text(name), f"{name}:1")
        return text if call.last in _READS else Instance("File", attributes=Table({"text": text}))

    def _matching(self, call: Call) -> Value | None:
        """Return the files that a pattern means: of `glob`, or of a path, in whose patterns "**" is for any folders."""
        folder = call.owner.value if isinstance(call.owner, Const) else ""
        pattern = call.arguments[0].value if call.arguments and isinstance(call.arguments[0], Const) else None
        other = call.owner is None and "." in call.name and call.name not in ("glob.glob", "glob.iglob")
        if not isinstance(pattern, str) or not isinstance(folder, str) or other:
            return None
        recursive = bool(folder) or truth(call.named.get("recursive", Const(False))).value is not False
        found = self.tree.matching(
            posixpath.join(folder, "**" if call.last == "rglob" else "", pattern), recursive=recursive
        )
        return Many([((), Const(path, call.where, default=True)) for path in found]) if found else None

    def _walked(self, top: Value, call: Call) -> Value | None:
        """Return what is in a folder of the archive, by its names; of `walk` each folder with its folders and files."""
        name = posixpath.normpath(top.value) if isinstance(top, Const) and isinstance(top.value, str) else ""
        if name not in self._all_folders():
            return None
        prefix = "" if name == "." else f"{name}/"
        inside = [path.removeprefix(prefix) for path in sorted(self.tree.sizes) if path.startswith(prefix)]
        if call.last != "walk":
            start = prefix if call.last == "iterdir" else ""
            return _names((start + path.partition("/")[0] for path in inside), call)
        files: dict[str, list[str]] = {}
        for path in inside:
            folder, _, own = path.rpartition("/")
            files.setdefault(posixpath.join(name, folder).rstrip("/"), []).append(own)
        rows = ((Const(folder, call.where), Many(open=True), _names(names, call)) for folder, names in files.items())
        return Many([((), Many([((), part) for part in row])) for row in rows])

    def _exists(self, path: Value, test: str) -> Value | None:
        if isinstance(path, Either):  # a file that is taken in either case: its .pyx or its .c
            found = [self._exists(option, test) for _, option in path.options]
            return Const(True) if all(isinstance(one, Const) and one.value is True for one in found) else None
        if not isinstance(path, Const) or not isinstance(path.value, str) or path.value.startswith("/"):
            return None
        name = posixpath.normpath(path.value)
        if name in self.tree or name in self._all_folders():
            return Const(test not in (_ONLY_FOLDERS if name in self.tree else _ONLY_FILES))
        return None if name.startswith("..") else Const(False, default=True)

    def _all_folders(self) -> set[str]:
        if self._folders is None:
            found = {"."}
            for path in self.tree.sizes:
                folder = path.rpartition("/")[0]
                while folder and folder not in found:
                    found.add(folder)
                    folder = folder.rpartition("/")[0]
            self._folders = found
        return self._folders

    def _setting(self, method: str, owner: Instance, call: Call) -> Value | None:
        parser = self._settings.setdefault(id(owner), configparser.RawConfigParser(strict=False))
        if method in ("read", "read_file", "readfp"):
            owner.attributes = Table({"self": owner})  # kept, so that no other object gets its identity
            for said in [said for value in call.arguments for said in texts(value)]:
                self._read(parser, posixpath.normpath(said.text))
            return NOTHING
        names = [a.value for a in call.arguments if isinstance(a, Const) and isinstance(a.value, str)]
        if len(names) < len(call.arguments[:2]):
            return NOTHING
        if method == "has_section" and names:
            return Const(parser.has_section(names[0]), default=True)
        if method == "has_option" and len(names) > 1:
            return Const(parser.has_option(names[0], names[1]), default=True)
        if method in ("items", "options") and names and not parser.has_section(names[0]):
            return Many()
        if method in _READERS and len(names) > 1:
            return self._read_setting(parser, method, names, call)
        return NOTHING

    def _read(self, parser: configparser.RawConfigParser, path: str) -> None:
        text = self.tree.text(path)
        if text and len(text) <= _MAX_SETTINGS:
            try:
                parser.read_string(text)
            except (configparser.Error, ValueError):
                return

    def _read_setting(self, parser: configparser.RawConfigParser, method: str, names: list[str], call: Call) -> Value:
        if not parser.has_option(names[0], names[1]):
            fallback = call.named.get("fallback", NOTHING)
            return Const(fallback.value, fallback.where, default=True) if isinstance(fallback, Const) else fallback
        try:
            return Const(_READERS[method](parser.get(names[0], names[1])), default=True)
        except ValueError:
            return Unknown()


def _of_options(parser: Instance, call: Call) -> Value | None:
    """Return what a parser of options gives, which holds them itself: nobody gives any."""
    if call.last in ("add_argument", "add_option"):
        words = [said.text.lstrip("-").replace("-", "_") for value in call.arguments for said in texts(value)]
        name = next(texts(call.named.get("dest")), None)
        action = next((said.text for said in texts(call.named.get("action"))), "")
        default = call.named.get("default", Const({"store_true": False, "store_false": True}.get(action)))
        if words and isinstance(default, Const):
            key = name.text if name else max(words, key=len)
            parser.attributes.entries[key] = Const(default.value, default.where, default=True)
        return NOTHING
    if call.last == "set_defaults":
        parser.attributes.entries |= call.named
    if call.last in ("parse_known_args", "parse_args"):
        return Many([((), parser), ((), Many(open=True))]) if call.last == "parse_known_args" else parser
    return parser  # a group of options, or one of which one may be given


def _names(names: Iterable[str], call: Call) -> Many:
    return Many([((), Const(name, call.where)) for name in dict.fromkeys(names)])


def _value_of(data: Any, where: str) -> Value:
    if isinstance(data, dict):
        return Table({key: _value_of(value, where) for key, value in data.items() if isinstance(key, str | int)})
    if isinstance(data, list | tuple | set):
        return Many([((), _value_of(item, where)) for item in data])
    return Const(data, where) if isinstance(data, str | int | float | bool | None) else NOTHING
