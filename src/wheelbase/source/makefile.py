"""What a Makefile that the build runs asks for: by pkg-config, by what it links, and by the programs it starts. Pure.

Of make's own language only what decides is read: variables as they are set first, and which recipes the first target
leads to. What stands within a condition that is not about the system, or is for another target, is optional.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wheelbase.source.findings import LINKED_ANYWAY, Evidence, Flag
from wheelbase.source.includes import FORTRAN_SUFFIXES
from wheelbase.source.own_headers import C_SUFFIXES
from wheelbase.source.python_commands import SHELL, find_in_command, is_config_program
from wheelbase.source.python_values import Const
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # which make looks for, in this order

_CONDITION = re.compile(r"(?:ifeq|ifneq|ifdef|ifndef)\b")
_ELSE = re.compile(r"else\b[ \t]*(.*)")
_COMPARISON = re.compile(r"(ifn?eq)[ \t]*(?:\((.*)\)|\"([^\"]*)\"[ \t]+\"([^\"]*)\")")
_SHELL = re.compile(  # what says "Linux", in small letters where `tr` makes them
    r"\$\([ \t]*shell[ \t]+(?:sh[ \t]+-c[ \t]+['\"])?uname(?:[ \t]+-s)?(?:[ \t]+2>[ \t]*/dev/null)?"
    r"(?:[ \t]+\|\|[ \t]+echo[ \t]+[\w-]+)?(?:[ \t]*\|[ \t]*tr\b[^|()]*)?['\"]?[ \t]*\)"
)
_FINDSTRING = re.compile(r"\$\(findstring[ \t]([^,$()]*),([^$()]*)\)")
_OTHER_FILE = re.compile(r"[-s]?include\b|define\b")  # which may set any variable
_PKG_CONFIG = re.compile(r"\b(?:pkg-config|pkgconf|\$[({]PKG_?CONFIG[)}])((?:[ \t]+-{0,2}[\w.+=-]+)+)")
_MODULE = re.compile(r"[A-Za-z][\w.+-]+")
_PROGRAM = re.compile(r"[\w-]+[-_]config(?=[ \t]+--)")
_LINKS = re.compile(r"(?:LD|LOAD)?(?:LIBS?|FLAGS|LDADD)[ \t]*[+:?]?=(.*)")
_LIBRARY = re.compile(r"(?<!\S)-l([A-Za-z][\w.+-]*)")
_VARIABLE = re.compile(r"(?:(?:export|override)[ \t]+)*([\w.-]+)[ \t]*(?:\+|::?|\?|!)?=[ \t]*(.*)")
_RULE = re.compile(r"([^:=#]+?)[ \t]*::?(?!=)([^=]*)$")
_FOR_ONE = re.compile(r"[^=]*:[ \t]*[\w.-]+[ \t]*[+:?]?=")  # a variable of one target
_USE = re.compile(r"\$[({]([\w.-]+)[)}]|\$(\w)")
_USED = re.compile(r"\$[({](?:[^()]|\$\([^()]*\))*[)}]")
_AGAIN = re.compile(r"^[-@+ \t]*make\b([^;&|]*)")
_ASSEMBLY = 0.7  # files of this suffix are nasm's or yasm's, and may all be of other systems
_PKG_CONFIG_WEIGHT, _LINK_WEIGHT = 0.85, 0.6
_OF_MAKE = {"CC": "cc", "CXX": "g++", "LD": "cc", "FC": "gfortran", "LEX": "lex", "YACC": "yacc", "MAKE": "make"}
_OWN = frozenset(("make", "configure"))  # which are there, or the archive's
_OBJECTS = frozenset((".o", ".lo"))  # which are listed by other means mostly
_MAX_LINES = 5_000
_MAX_LINE = 2_000  # characters, of which the rest is not read
_MAX_ROUNDS = 8  # of variables within variables
_MAX_VALUE = 200  # characters
_MAX_TARGETS = 10_000


@dataclass(slots=True)
class _Rule:
    targets: list[str]
    needs: list[str]
    recipe: list[tuple[int, str]] = field(default_factory=list)
    conditional: bool = False


def find_in_makefiles(tree: SourceTree) -> Iterator[Evidence]:
    """Yield what the Makefiles of an archive, which are run, ask for, and the languages of what lies beside them."""
    folders = {
        path.rpartition("/")[0]: path
        for path in tree.named(*MAKEFILES)
        if not is_vendored(path) and not _is_written(tree, path)
    }
    for folder, path in folders.items():
        if not folder or folder.count("/") < 2:
            yield from find_in_makefile(tree.text(path), path)
    if assembly := next((path for path in tree.ending(".asm") if not is_vendored(path)), None):
        yield Evidence(kind="program", name="nasm", where=f"{assembly}:1", weight=_ASSEMBLY)
    for language, suffixes in (("c", C_SUFFIXES), ("fortran", FORTRAN_SUFFIXES)):
        for path in tree.ending(*suffixes):
            if makefile := folders.get(path.rpartition("/")[0]):
                yield Evidence(kind="language", name=language, where=f"{makefile}:1")
                break


def _is_written(tree: SourceTree, path: str) -> bool:
    """Say whether a `configure` in a Makefile's folder, or one around it, writes it anew."""
    parts = path.split("/")[:-1]
    folders = ("/".join([*parts[:number], ""]) for number in range(len(parts) + 1))
    return f"{path}.in" in tree and any(f"{folder}configure" in tree for folder in folders)


def find_in_makefile(text: str, path: str) -> Iterator[Evidence]:
    """Yield what a Makefile asks for: optional what stands within a condition, or in a recipe that may not be run."""
    rules, variables = [_Rule([], [])], dict[str, str]()
    for number, line, conditional in _lines(text):
        if line.startswith("\t"):
            rules[-1].recipe.append((number, line.strip()))
            rules[-1].conditional |= conditional
            continue
        if assigned := _VARIABLE.match(line):
            if not conditional:
                variables.setdefault(assigned[1], assigned[2][:_MAX_VALUE])
        elif begun := _RULE.match(line):
            rules.append(_Rule(begun[1].split(), begun[2].partition(";")[0].split(), conditional=conditional))
        for kind, name, weight in _asked(line):
            yield _evidence(kind, name, f"{path}:{number}", weight, optional=conditional or bool(_FOR_ONE.match(line)))
    run = _reached(rules, variables)
    for rule in rules:
        optional = rule.conditional or id(rule) not in run
        for number, line in rule.recipe:
            for kind, name, weight in dict.fromkeys(_of_recipe(line, variables)):
                if f"lib{name}." not in text:  # which it makes itself
                    yield _evidence(kind, name, f"{path}:{number}", weight, optional=optional)


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield (number, line without comment, whether it stands on a condition that is not known); what goes on is one.

    What is for another system is left out.
    """
    conditions, begun, whole = _Conditions(), 0, ""
    for number, line in enumerate(text.split("\n")[:_MAX_LINES], 1):
        begun = begun or number
        whole += line[:_MAX_LINE].rstrip("\r").removesuffix("\\") if len(whole) < _MAX_LINE else ""
        if line.endswith("\\"):
            continue
        plain = re.sub(r"(?<!\\)#.*", "", whole[:_MAX_LINE]).rstrip()
        conditions.hear(plain.strip())
        if conditions.hold is not False:
            yield begun, plain, conditions.hold is None
        begun, whole = 0, ""


class _Conditions:
    """The conditions of a line of a Makefile, of which those about the system are known."""

    def __init__(self) -> None:
        """The start of a file stands on none."""
        self._open: list[tuple[bool | None, bool | None]] = []  # whether a branch holds, and whether one before did
        self._systems: dict[str, str] = {"OS": ""}  # variables that tell the system, which Windows sets one of

    @property
    def hold(self) -> bool | None:
        """Whether all of them hold."""
        states = [holds for holds, _ in self._open]
        return False if False in states else None if None in states else True

    def hear(self, line: str) -> None:
        """Go on to a line."""
        if _OTHER_FILE.match(line):
            self._systems.pop("OS", None)
        elif assigned := _VARIABLE.match(line):
            if self.hold is not False:
                self._systems.pop(assigned[1], None)
            if self.hold and _SHELL.fullmatch(assigned[2]):
                self._systems[assigned[1]] = "linux"
        elif _CONDITION.match(line):
            holds = self._outcome(line)
            self._open.append((holds, holds))
        elif line.startswith("endif"):
            del self._open[-1:]
        elif self._open and (other := _ELSE.match(line)):
            _, before = self._open[-1]
            holds = self._outcome(other[1]) if other[1] else True
            now = False if before or holds is False else None if before is None else holds
            self._open[-1] = now, True if before or holds else None if None in (before, holds) else False

    def _outcome(self, line: str) -> bool | None:
        """Return what a comparison comes to, None where it is about something else."""
        line = _USE.sub(lambda use: self._systems.get(use[1] or use[2], use[0]), _SHELL.sub("linux", line))
        # Without capitals, as some have `tr` take them out of what `uname` says.
        compared = _COMPARISON.fullmatch(line.lower())
        if not compared:
            return None
        sides = _sides(compared[2]) if compared[2] is not None else compared.group(3, 4)
        first, second = (_FINDSTRING.sub(lambda f: f[1] if f[1] in f[2] else "", side).strip() for side in sides)
        return None if "$" in first + second else (first == second) is (compared[1] == "ifeq")


def _sides(text: str) -> tuple[str, str]:
    """Return what stands before and after the first comma that is in no function's arguments."""
    depth = 0
    for number, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            return text[:number], text[number + 1 :]
    return text, "$"


def _evidence(kind: Kind, name: str, where: str, weight: float, *, optional: bool) -> Evidence:
    return Evidence(
        kind=kind,
        name=name,
        where=where,
        need="optional" if optional else "required",
        weight=weight,
        condition="a condition of make" if optional else "",
    )


def _asked(line: str) -> Iterator[tuple[Kind, str, float]]:
    for match in _PKG_CONFIG.finditer(line):
        words = match[1].split()
        if any(word.startswith(("--cflags", "--libs", "--static")) for word in words):
            yield from (("pkg-config", word, _PKG_CONFIG_WEIGHT) for word in words if _MODULE.fullmatch(word))
    yield from (("program", name, _PKG_CONFIG_WEIGHT) for name in _PROGRAM.findall(line) if is_config_program(name))
    if linked := _LINKS.search(line):
        names = (name for name in _LIBRARY.findall(linked[1]) if name not in LINKED_ANYWAY)
        yield from (("library", name, _LINK_WEIGHT) for name in names)


def _of_recipe(line: str, variables: Mapping[str, str]) -> Iterator[tuple[Kind, str, float]]:
    """Yield what a line of a recipe asks for: what it says itself, and the programs that its variables name."""
    yield from _asked(line)
    program, _, words = line.lstrip("-@+ \t").partition(" ")
    command = f"{_expanded(program, variables)} {words}"  # what variables give it else, they say where they are set
    for item in find_in_command(Const(_USED.sub("", command)), "", (), sure=True):
        if isinstance(item, Flag) or item.name.endswith(SHELL) or item.name in _OWN | LINKED_ANYWAY:
            continue
        if item.kind in ("program", "library"):
            yield item.kind, item.name, _LINK_WEIGHT if item.kind == "library" else item.weight


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    for _ in range(_MAX_ROUNDS):
        before, text = text, _USE.sub(lambda use: _value_of(use, variables), text)[:_MAX_LINE]
        if text == before:
            break
    return text


def _value_of(use: re.Match[str], variables: Mapping[str, str]) -> str:
    name = use[1] or use[2]
    return variables.get(name, _OF_MAKE.get(name, use[0]))


def _reached(rules: Iterable[_Rule], variables: Mapping[str, str]) -> set[int]:
    """Return the ids of the rules that make the first target, as far as names tell, and of those for its patterns."""
    by_target: dict[str, list[_Rule]] = defaultdict(list)
    for rule in rules:
        for target in _expanded(" ".join(rule.targets), variables).split():
            by_target[target].append(rule)
    first = next((target for target in by_target if target[0] != "." and "%" not in target), "")
    reached, seen, left = set[int](), {first}, [first]
    while left and len(seen) < _MAX_TARGETS:
        for rule in by_target.get(left.pop(), ()):
            if id(rule) not in reached:
                reached.add(id(rule))
                makes = (line for _, line in rule.recipe if "make" in line.lower())
                again = (_AGAIN.search(_expanded(line, variables)) for line in makes)
                needs = [*rule.needs, *(found[1] for found in again if found)]
                new = set(_expanded(" ".join(needs), variables).split()) - seen
                seen |= new
                left += new
    ends = {target[target.rfind(".") :] for target in seen if "." in target} | _OBJECTS
    patterns = (target for target in by_target if "%" in target and target[target.rfind(".") :] in ends)
    return reached | {id(rule) for target in patterns for rule in by_target[target]}
