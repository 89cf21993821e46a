"""How CMake's commands are followed: files, folders, branches that Linux may take, functions, variables. Pure.

A branch that is never taken is left out; what stands in one that may be taken stands on its condition, and what
branches leave different is not known afterwards.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from wheelbase.source.cmake_arguments import parsed_arguments
from wheelbase.source.cmake_conditions import Condition
from wheelbase.source.cmake_reader import Argument, Block, Command, blocks_of, commands_of
from wheelbase.source.cmake_values import MAX_VALUE, SOURCE, Variables
from wheelbase.source.findings import Flag
from wheelbase.source.lookups import Branch, Guards, Lookups, Maybe, Truth
from wheelbase.source.tree import SourceTree

_MAX_FILES = 2 << 20  # of all
_MAX_ITEMS = 200
_MAX_CALLS = 20  # of functions in functions
_FETCHES = ("fetchcontent_", "externalproject_")
_WRITES = frozenset("string list math file execute_process separate_arguments cmake_path exec_program".split())


_SOURCES = (".c", ".cc", ".cpp", ".cxx", ".c++", ".pyx")
_NAMED = re.compile(r"(?<![\w/}>.$*+-])[\w+-][\w./+-]*\.(?:c|cc|cpp|cxx)\b")
_NO_SOURCES = ("set_", "message", "install", "check_", "try_", "configure_file", "get_", "string")
"""How commands start that name no sources to compile."""


class Evaluator(Variables):
    """A project that is followed. Subclasses handle further commands, in methods named after them (`_do_set`)."""

    def __init__(self, tree: SourceTree, lookups: Lookups, options: Mapping[str, str | None]) -> None:
        """`options` are those given to CMake."""
        super().__init__(tree, lookups, options)
        self.path = ""
        self.sources: dict[str, str] = {}  # by path, with the condition on which they are named
        self.functions: dict[str, tuple[list[str], list[Command | Block]]] = {}
        self.modules = {posixpath.basename(path): path for path in reversed(list(tree.ending(".cmake")))}
        self._left, self._depth = _MAX_FILES, 0
        self._seen: set[str] = set()

    def enter(self, folder: str) -> None:
        """Evaluate a folder's file; what it sets is not seen outside."""
        if f"{folder}CMakeLists.txt" not in self.tree:
            return
        before, variables = self.folder, dict(self.variables)
        self.lookups.step(len(variables))
        self.folder = folder
        self.variables["CMAKE_CURRENT_SOURCE_DIR"] = f"{SOURCE}/{folder}".rstrip("/")
        self.follow(f"{folder}CMakeLists.txt")
        self.folder, self.variables = before, variables

    def follow(self, path: str) -> None:
        """Evaluate a file, once."""
        if path not in self.tree or path in self._seen:
            return
        self._seen.add(path)
        text = self.tree.text(path)
        self._left -= len(text)
        before, list_dir = self.path, self.variables.get("CMAKE_CURRENT_LIST_DIR")
        self.path = path
        self.variables["CMAKE_CURRENT_LIST_DIR"] = f"{SOURCE}/{posixpath.dirname(path)}".rstrip("/")
        try:
            self.run(blocks_of(commands_of(text if self._left >= 0 else "")))
            if self._left < 0:
                self.lookups.flag(Flag(kind="unreadable", text="there are too many files", where=f"{path}:1"))
        except ValueError as error:
            line = error.args[0] if error.args and isinstance(error.args[0], int) else 1
            self.lookups.flag(Flag(kind="unreadable", text="not valid as a CMake file", where=f"{path}:{line}"))
        self.path, self.variables["CMAKE_CURRENT_LIST_DIR"] = before, list_dir

    def run(self, body: Iterable[Command | Block]) -> Truth:
        """Evaluate commands; return whether the rest of the file or function is left out."""
        items = iter(body)
        for item in items:
            self.lookups.step()
            if isinstance(item, Block):
                leaves = self._block(item)
                if isinstance(leaves, Maybe):
                    with self.lookups.under([leaves.absent_if_false], "not left before"):
                        return self.run(items) or leaves
                if leaves:
                    return True
            elif item.name == "return":
                return True
            elif item.name in ("break", "continue"):
                return False
            else:
                self._command(item)
        return False

    def _block(self, block: Block) -> Truth:
        opening, body = block.branches[0]
        if opening.name == "if":
            return self._branches(block)
        parts = [part for argument in opening.arguments for part in self.expanded(argument)]
        words = [part for part in parts if part is not None]
        if opening.name in ("function", "macro"):
            if words:
                self.functions[words[0].lower()] = (words[1:], body)
        elif opening.name == "while":
            self._merge([self._alternative(body, [()], opening)[0], self.variables])
        elif words:
            self._loop(opening, words, body, certain=None not in parts)
        return False

    def _loop(self, opening: Command, words: list[str], body: list[Command | Block], *, certain: bool) -> None:
        name, items = words[0], words[1:]
        if items[:2] == ["IN", "LISTS"]:
            values = [self.variables.get(item) for item in items[2:]]
            certain = None not in values
            items = [part for value in values if value for part in value.split(";")]
        elif items[:1] == ["IN"]:
            items = [item for item in items if item not in ("IN", "ITEMS")]
        elif items[:1] == ["RANGE"]:
            items, certain = [], False
        for item in items[:_MAX_ITEMS]:
            self.variables[name] = item
            if certain:
                self.run(body)
            else:
                self._merge([self._alternative(body, [()], opening)[0], self.variables])
        if not items and not certain:
            self.variables[name] = None
            self._merge([self._alternative(body, [()], opening)[0], self.variables])

    def _branches(self, block: Block) -> Truth:
        """Evaluate the branches that may be taken; what they leave different is not known afterwards."""
        guards: list[tuple[int, ...]] = []
        outcomes: list[dict[str, str | None]] = []
        taken: list[Branch] = []
        leaves: Truth = False
        for command, body in block.branches:
            test = True if command.name == "else" else Condition(self, command.arguments).result()
            if test is False:
                continue
            if test is True and not guards:
                return self.run(body)
            own = [test.absent_if_true] if isinstance(test, Maybe) else []
            taken.append(self.lookups.branch(len(guards) + len(own)))
            outcome, left = self._alternative(body, [*guards, *own], command)
            self.tell(outcome, test.absent_if_false if isinstance(test, Maybe) else (), taken[-1].start)
            if left:
                leaves = Maybe(absent_if_false=test.absent_if_false if isinstance(test, Maybe) else ())
            if left is not True:
                outcomes.append(outcome)
            if test is True:
                self.in_all(taken)
                break
            guards += [test.absent_if_false] if isinstance(test, Maybe) else []
        else:
            outcomes.append(self.variables)
        if not outcomes:
            return True
        self._merge(outcomes)
        return leaves

    def in_all(self, branches: list[Branch]) -> None:
        """Hear of branches of which one is taken."""

    def _alternative(
        self, body: list[Command | Block], guards: Guards, command: Command
    ) -> tuple[dict[str, str | None], Truth]:
        before = self.variables
        self.lookups.step(len(before) + len(guards))
        text = " ".join(argument.text for argument in command.arguments[:12])
        self.variables = dict(before)
        with self.lookups.under(guards, f"{command.name}({text})"[:120]):
            left = self.run(body)
        after, self.variables = self.variables, before
        return after, left

    def _merge(self, outcomes: list[dict[str, str | None]]) -> None:
        """Keep the variables that all outcomes agree on; the others are not known."""
        names = dict.fromkeys(name for outcome in outcomes for name in outcome)
        self.variables = {
            name: outcomes[0].get(name) if len({outcome.get(name) for outcome in outcomes}) == 1 else None
            for name in names
        }

    def _call(self, name: str, arguments: tuple[Argument, ...]) -> None:
        """Evaluate the body of a function of the archive's own."""
        if self._depth >= _MAX_CALLS:
            return
        parameters, body = self.functions[name]
        given = [part for argument in arguments for part in self.expanded(argument)]
        bound: dict[str, str | None] = dict(zip(parameters, given, strict=False))
        rest = given[len(parameters) :]
        for variable, values in (("ARGN", rest), ("ARGV", given)):
            bound[variable] = ";".join(part for part in values if part) if None not in values else None
        before = {key: self.variables.get(key) for key in bound}
        self.variables |= bound
        self._depth += 1
        self.run(body)
        self._depth -= 1
        self.variables |= before

    def _command(self, command: Command) -> None:
        self.touched.update(argument.text.lower() for argument in command.arguments)
        words = self.words(command.arguments)
        if not command.name.startswith(_NO_SOURCES) and words[:1] != ["REMOVE_ITEM"]:
            with self.lookups.under([()] if "EXCLUDE_FROM_ALL" in words else [], self.lookups.condition):
                for word in words:
                    self.source(self.inside(word))
        if command.name in self.functions and not command.name.startswith(_FETCHES):  # of a copy of CMake's modules
            self._call(command.name, command.arguments)
        elif handler := getattr(self, f"_do_{command.name.removeprefix('_')}", None):  # as a replaced one is called
            handler(command, words)
        elif command.name.startswith("check_") or command.name in _WRITES:
            for argument in command.arguments:
                if argument.text in self.variables:
                    self.variables[argument.text] = None

    @property
    def is_read(self) -> bool:
        """Whether all of its files could be read."""
        return not any(flag.kind == "unreadable" for flag in self.lookups.flags)

    def left_out(self) -> Iterator[str]:
        """Yield the sources that the files name, but that stand in no branch that was followed."""
        for path in self._seen if self.is_read else ():
            folder, _, name = path.rpartition("/")
            for source in _NAMED.findall(self.tree.text(path)) if name == "CMakeLists.txt" else ():
                whole = posixpath.normpath(posixpath.join(folder, source))
                if whole in self.tree and whole not in self.sources:
                    yield whole

    def source(self, path: str) -> None:
        """Note a source that is named at this point, with the condition: none where one place has none."""
        if path.lower().endswith(_SOURCES):
            own = (self.lookups.condition or "unknown") if self.lookups.guards else ""
            self.sources[path] = self.sources.get(path, own) and own

    def _do_set(self, command: Command, words: list[str]) -> None:
        names = self.expanded(command.arguments[0]) if command.arguments else []
        name = names[0] if names else None
        if not name:
            self.any_touched = True
            return
        self.files.discard(name)
        rest = [argument for argument in command.arguments[1:] if argument.text != "PARENT_SCOPE"]
        cached = next(
            (number for number, argument in enumerate(rest) if argument.text == "CACHE" and not argument.quoted), None
        )
        if cached is not None and name in self.variables and "FORCE" not in words:
            return
        values = [part for argument in rest[:cached] for part in self.expanded(argument)]
        known = [part for part in values if part is not None]
        joined = ";".join(known)
        self.variables[name] = joined if len(known) == len(values) and len(joined) < MAX_VALUE else None

    def _do_unset(self, command: Command, words: list[str]) -> None:
        if words:
            self.variables[words[0]] = ""

    def _do_list(self, command: Command, words: list[str]) -> None:
        if len(words) < 2:
            return
        before = self.variables.get(words[1], "")
        values = [part for item in command.arguments[2:] for part in self.expanded(item)]
        known = [part for part in [before or None, *values] if part]
        if words[0] == "APPEND" and before is not None and None not in values and sum(map(len, known)) < MAX_VALUE:
            self.variables[words[1]] = ";".join(known)
        else:
            self.variables.update({word: None for word in words[1:] if word in self.variables})

    def _do_get_filename_component(self, command: Command, words: list[str]) -> None:
        if len(command.arguments) > 2:
            name, path, part = command.arguments[:3]
            self.variables[name.text] = self._part_of(self.text_of(path.text), part.text)

    def _part_of(self, path: str | None, part: str) -> str | None:
        """Return a part of a path, or where it lies; None where that is not known."""
        if path and part in ("DIRECTORY", "PATH", "NAME"):
            return posixpath.basename(path) if part == "NAME" else posixpath.dirname(path)
        whole = self.inside(path) if path and part in ("ABSOLUTE", "REALPATH") else ".."
        return None if whole.startswith(("..", "/")) else f"{SOURCE}/{whole}".removesuffix("/.")

    def _do_option(self, command: Command, words: list[str]) -> None:
        if words and words[0] not in self.variables:
            values = self.expanded(command.arguments[2]) if len(command.arguments) > 2 else ["OFF"]
            self.variables[words[0]] = values[0] if values else "OFF"

    def _do_cmake_dependent_option(self, command: Command, words: list[str]) -> None:
        if len(command.arguments) < 4 or not words:
            return
        depends = [part for text in self.expanded(command.arguments[3]) for part in (text or "?").split(";")]
        self.lookups.step(len(depends))
        tests = [Condition(self, map(Argument, part.split())).result() for part in depends]
        if False in tests:
            otherwise = self.expanded(command.arguments[4]) if len(command.arguments) > 4 else ["OFF"]
            self.variables[words[0]] = otherwise[0] if otherwise else "OFF"
        elif all(test is True for test in tests):
            self._do_option(command, words)
        elif words[0] not in self.variables:
            self.variables[words[0]] = None

    def _do_cmake_parse_arguments(self, command: Command, words: list[str]) -> None:
        lists = [self.text_of(argument.text) for argument in command.arguments[1:4]]
        given = [part for argument in command.arguments[4:] for part in self.expanded(argument)]
        if words and len(lists) == 3:
            self.variables |= parsed_arguments(words[0], [(text or "").split(";") for text in lists], given)

    def _do_include(self, command: Command, words: list[str]) -> None:
        if not words:
            return
        if words[0] == "CTest":
            self.variables.setdefault("BUILD_TESTING", "ON")
        if words[0].endswith(".cmake") or "/" in words[0]:
            path = self.inside(words[0])
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), words[0]))
            self.follow(path if path in self.tree else beside)
        else:
            self.follow(self.modules.get(f"{words[0]}.cmake", ""))
