"""What the build scripts of an archive ask for, as it is met: kept until all of them have been followed."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from wheelbase.source.findings import Flag
from wheelbase.source.python_commands import is_config_program
from wheelbase.source.python_conditions import Condition, Guard, Request, both
from wheelbase.source.python_evaluator import Call, Watcher
from wheelbase.source.python_platform import is_elsewhere
from wheelbase.source.python_values import NOTHING, Const, Instance, Said, Table, Unknown, Value, is_open, leaves
from wheelbase.source.syntax import Given

NAMED_LIST = re.compile(r"_*([a-z0-9]+_)*(libraries|libs|library_names?)_*", re.IGNORECASE)
_METADATA = frozenset(
    "name version description long_description long_description_content_type author author_email maintainer license"
    " maintainer_email url download_url project_urls keywords classifiers platforms python_requires install_requires"
    " extras_require tests_require test_suite packages package_dir package_data include_package_data py_modules"
    " exclude_package_data data_files scripts entry_points zip_safe license_files namespace_packages obsoletes"
    " dependency_links provides requires use_scm_version".split()
)
_NOT_WITHOUT_EXTENSIONS = frozenset(("build_ext", "sdist", "test", "clean"))  # commands that are not run then
_ACTS = frozenset(  # that compile, or may
    "setup run compile verify run_command run_commands run_setup build_extensions build_ext build_wheel call check_call"
    " check_output Popen system execv spawn".split()
)
_DEFINES = re.compile(r"(?:^|[ ])-D[A-Za-z]")
LOOSE = 0.5  # of a word that is known for its form alone


@dataclass(slots=True, eq=False)
class Linked:
    """A list of libraries to be read at the end, as scripts add to one after they used it."""

    value: Value
    where: str
    guard: Guard
    weight: float
    named: bool = False  # known by the name only of what it is kept in
    variable: bool = False  # which is a variable, and nothing of an object
    flags: bool = False  # options of the linker, of which only "-lfoo" counts
    objects: bool = False


@dataclass(slots=True, eq=False)
class Built:
    """A place where a script hands extensions on to be compiled; `guard` holds what it does where that fails.

    `setup` is a call of setup() that does it, with the `extensions` that it is given. A `plain` call is setuptools'
    own, and gives nothing else that could be compiled. A method of a command compiles all of them, or `each`.
    """

    guard: Guard = ()
    setup: Condition | None = None
    extensions: Value = NOTHING
    plain: bool = False
    each: bool = False


def is_plain(call: Call) -> bool:
    """Say whether a call of setup() is setuptools' own, and gives nothing to compile but extensions."""
    commands = call.named.get("cmdclass", Table())
    return (
        call.name in ("setuptools.setup", "distutils.core.setup")
        and _METADATA.issuperset(call.named.keys() - {"cmdclass", "ext_modules", "setup_requires"})
        and isinstance(commands, Table)
        and not commands.open
        and _NOT_WITHOUT_EXTENSIONS.issuperset(commands.entries)
    )


@dataclass(slots=True, eq=False)
class Made:
    """An extension, with what it asks for: stretches of `Asked.found` and `Asked.compiled`."""

    extension: Instance
    found: slice
    compiled: slice


class Asked(Watcher):
    """Keeps what a script asks for."""

    def __init__(self, listeners: "tuple[Listener, ...]") -> None:
        """`listeners` tell what calls ask for."""
        self.listeners = listeners
        self.found: list[Request | Linked | Built] = []
        self.lists: dict[int, Linked] = {}  # that are known by name, by the id of their value
        self.flags: list[Flag] = []
        self.own: set[str] = set()  # libraries that the archive builds itself
        self.sources: list[tuple[Said, bool]] = []  # C that scripts hold: what surely is compiled, and what may be
        self.compiled: list[tuple[str, Said]] = []  # extensions by name, with the files that they are made of
        self.made: list[Made] = []
        self.given: list[tuple[Value, int]] = []  # what extensions are made of, with the number of files then
        self.removed: dict[str, str] = {}  # extensions that are taken out again, with the places
        self.scripts: list[Said] = []  # further scripts that are run
        self.programs: list[Said] = []  # modules and scripts that the build has Python run, as paths
        self.defines: dict[str, Given] = {}  # texts with `-D`, as options of CMake have
        self.folders: list[str] = []  # that are put on Python's path
        self.commands: dict[str, Value] = {}
        self.run_commands: set[str] = set()
        self.acted = False  # whether something was called that compiles, or that may

    def size(self) -> int:
        """Return how much was found."""
        return len(self.found)

    def failing(self, start: int, end: int) -> tuple[Request, ...]:
        """Return what was asked for between two moments in a way that fails where it is not there."""
        return tuple(item for item in self.found[start:end] if isinstance(item, Request) and item.demanded)

    def demand(self, start: int) -> None:
        """Make all probes since `start` ones that may not fail."""
        for item in self.found[start:]:
            if isinstance(item, Request):
                item.demanded = True

    def narrow(self, start: int, end: int, condition: Condition, *, ends: bool) -> None:
        """Put what was found between two moments on a condition; where it is about how programs end, not starting."""
        for item in self.found[start:end]:
            if not (ends and isinstance(item, Request) and item.started):
                item.guard = both(item.guard, (condition,))

    def knows_all_sources(self) -> bool:
        """Say whether the files of every extension are known, and nothing else seems to be compiled."""
        known = all(
            not is_open(value)
            and len(found := list(leaves(value, ()))) == count
            and all(isinstance(item, Const) for _, item in found)
            for value, count in self.given
        )
        return bool(self.compiled) and known and not self.own and not any(compiled for _, compiled in self.sources)

    def constant(self, text: str, where: str, guard: Guard) -> None:
        """Keep a text in live code that is C, or the name of a *-config program."""
        if _DEFINES.search(text):
            before = self.defines.get(text, Given())
            self.defines[text] = Given(
                called=before.called or not any(isinstance(condition.node, ast.FunctionDef) for condition in guard),
                likely=before.likely or not any(condition.unlikely for condition in guard),
                always=before.always or not guard,
            )
        if "#include" in text:
            self.sources.append((Said(text, where, guard), False))
        elif len(text) < 40 and text.endswith("config") and is_config_program(text):
            self.found.append(Request("program", text, where, guard, LOOSE, probe=True))

    def assigned(self, name: str, value: Value, where: str, guard: Guard, *, variable: bool = False) -> None:
        """Keep a list that is of libraries by its name."""
        if len(name) < 60 and NAMED_LIST.fullmatch(name) and not is_elsewhere(name) and not isinstance(value, Table):
            weight = 0.5 if "name" in name else 0.8
            self.lists[id(value)] = Linked(value, where, guard, weight, named=True, variable=variable)
            self.found.append(self.lists[id(value)])

    def replaced(self, value: Value, guard: Guard) -> None:
        """Forget a list of libraries that nothing used, wherever another takes its place."""
        item = self.lists.get(id(value))
        if item is not None and item.value is value and set(guard) <= set(item.guard):
            item.value = NOTHING

    def lacks(self, module: str, where: str) -> None:
        """Keep that a module is imported, and that nothing brings it."""
        text = f"{module.partition('.')[0]} is imported, and no build requirement brings it"
        self.flags.append(Flag(kind="unreadable", text=text, where=where))

    def called(self, call: Call) -> Value | None:
        """Keep what a call asks for; return what it gives where its outcome is to be told from."""
        start = len(self.found)
        self.acted |= call.last in _ACTS
        if call.last in ("build_extension", "build_extensions") and not call.followed:
            self.found.append(Built(each=call.last == "build_extension"))
        answer: Value | None = None
        for listen in self.listeners:
            told = listen(self, call)
            answer = answer if told is None else told
        if answer is not None or call.followed:
            return answer
        new = tuple(item for item in self.found[start:] if isinstance(item, Request))
        return Unknown(call.name, new) if new else None


Listener = Callable[[Asked, Call], Value | None]
