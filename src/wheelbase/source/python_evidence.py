"""From what scripts ask for to evidence: each place once, and whether a build does without it. Pure."""

import ast
import dataclasses
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.includes import find_includes
from wheelbase.source.makefile import find_in_makefiles
from wheelbase.source.own_headers import C_SUFFIXES, own_header
from wheelbase.source.python_asked import LOOSE, Asked, Built, Linked
from wheelbase.source.python_commands import SHELL, is_program
from wheelbase.source.python_conditions import Condition, Guard, Request, both
from wheelbase.source.python_libraries import is_always_there, is_dynamic, requests_of_list
from wheelbase.source.python_values import Const, Instance, Said, is_open, leaves
from wheelbase.source.tree import SourceTree

_BUNDLED_OPTION = re.compile(r"system|bundle|vendor|embed", re.IGNORECASE)
_RECIPES = ("configure", "configure.ac", "CMakeLists.txt", "Makefile", "Makefile.in", "meson.build", "autogen.sh")
_PACKED = re.compile(r"([\w.+-]+?)(?:\.tar)?\.(?:gz|bz2|xz|tgz|zip)")
_LIBTOOL = re.compile(r"^[ \t]*(?:LT_INIT|A[CM]_PROG_LIBTOOL)\b", re.MULTILINE)
_MAX_REQUESTS = 5_000
_MAX_GROUP = 40  # places that ask for one thing
_MAX_ROUNDS = 8
_Tests = dict[tuple[int, bool], Condition]
OTHER_BUILDS = frozenset(("configure", "make", "cmake", "meson", "ninja", "scons"))
_FOLLOWED = frozenset(("cmake", "meson", "ninja"))  # whose files are
_BUILD_TOOLS = frozenset(("configure", "make", "cmake", "autoreconf", "meson", "ninja"))


def evidence_of(asked: Asked, tree: SourceTree) -> Iterator[Evidence]:
    """Yield the evidence of all that was asked for; of several at one place the strongest."""
    requests = [item for item in islice(_requests(asked, tree), _MAX_REQUESTS) if not _is_known(item, asked, tree)]
    _settle_alternatives(requests)
    requests += _of_libtool(requests, tree)
    copies = _copies(tree) if any(request.name in _BUILD_TOOLS for request in requests) else set()
    best: dict[tuple[str, str, str], Evidence] = {}
    for request in requests:
        if request.name == "configure":
            continue  # the archive's own
        copied = request.kind in ("library", "pkg-config") and stem(request.name) in copies
        evidence = evidence_of_request(request, bundled=copied)
        # A program is run again and again: its first place tells enough.
        where = evidence.where.rpartition(":")[0] if evidence.kind == "program" else evidence.where
        key = (evidence.kind, evidence.name, where)
        if key not in best or _rank(evidence) > _rank(best[key]):
            best[key] = evidence
    yield from best.values()
    if not tree.built_nothing:
        yield from _of_sources(asked, tree)
    if any(request.name == "make" and not request.guard for request in requests):
        yield from find_in_makefiles(tree)


def _of_libtool(requests: Iterable[Request], tree: SourceTree) -> list[Request]:
    """Return what autoreconf runs besides its own, where a configure.ac asks for it, or none is there to be read."""
    scripts = list(tree.named("configure.ac", "configure.in"))
    # What the build unpacks before uses it mostly.
    if scripts and not any(_LIBTOOL.search(tree.text(path)) for path in scripts):
        return []
    return [dataclasses.replace(request, name="libtoolize") for request in requests if request.name == "autoreconf"]


def dynamic_of(asked: Asked) -> Iterator[Flag]:
    """Yield flags for libraries that the environment names, and nothing else."""
    for item in asked.found:
        if isinstance(item, Linked) and not item.named and is_dynamic(item):
            yield Flag(kind="dynamic", text="the environment names the libraries that are linked", where=item.where)


def evidence_of_request(request: Request, *, bundled: bool = False) -> Evidence:
    """Return the evidence that one place gives."""
    optional = bool(request.guard) or (request.probe and not request.demanded) or bundled
    condition = str(request.guard[-1]) if request.guard else ""
    return Evidence(
        kind=request.kind,
        name=request.name,
        where=request.where,
        need="optional" if optional else "required",
        weight=request.weight,
        bundled=bundled or bool(_BUNDLED_OPTION.search(condition)),
        condition=condition,
        instead_of=request.instead_of,
    )


def _rank(evidence: Evidence) -> tuple[bool, float]:
    return evidence.need == "required", evidence.weight


def _is_known(request: Request, asked: Asked, tree: SourceTree) -> bool:
    if request.kind == "program" and request.name.endswith(SHELL):
        return True  # the archive's own, which is followed
    if request.kind == "program" and request.probe and not request.demanded and not is_program(request.name):
        return True  # scripts look for many programs, which only tell them something where they are there
    if request.kind != "library":
        return False
    brought = any(f"lib{request.name}{suffix}" in tree.basenames for suffix in (".a", ".so"))
    return brought or request.name in asked.own or is_always_there(request.name)


def _requests(asked: Asked, tree: SourceTree) -> Iterator[Request]:
    """Yield all requests; those of lists that are known by name only where nothing else told of the same text."""
    forgiving = _forgiven(asked)
    lists = [item for item in asked.found if isinstance(item, Linked)]
    found = sorted((item for item in asked.found if isinstance(item, Request)), key=lambda item: item.weight <= LOOSE)
    told: set[tuple[str, str]] = set()
    for request in found:
        if request.weight > LOOSE or (request.where, request.name) not in told:
            yield request
            told.add((request.where, request.name))
    told.clear()
    if _knows_all_libraries(asked):
        lists = [linked for linked in lists if not linked.variable]  # one that was replaced links nothing
    for linked in sorted(lists, key=lambda item: item.named):
        for request in requests_of_list(linked, tree):
            key = (request.where, request.name)
            if linked.named and key in told:
                continue
            if not linked.named:
                told.add(key)
            request.guard = both(request.guard, forgiving)
            yield request


def _knows_all_libraries(asked: Asked) -> bool:
    """Say whether setuptools alone builds, and what every extension is linked with is known."""
    built = [item for item in asked.found if isinstance(item, Built)]
    lists = [item.value for item in asked.found if isinstance(item, Linked) and not item.named]
    plain = bool(built) and all(item.plain and not is_open(item.extensions) for item in built)
    known = all(not is_open(value) and all(isinstance(one, Const) for _, one in leaves(value, ())) for value in lists)
    return plain and not asked.commands and bool(asked.made) and bool(lists) and known


def _forgiven(asked: Asked) -> Guard:
    """Return the condition on which the script goes on without its extensions: without all of them, or each."""
    built = [item for item in asked.found if isinstance(item, Built) and item.setup is None]
    ways = ([item.guard for item in built if item.each is each] for each in (True, False))
    return next((guards[0][-1:] for guards in ways if guards and all(guards)), ())


def settle_extensions(asked: Asked) -> None:
    """Put each extension on the conditions on which setup() gets it, where that is known of all of them."""
    calls = [(item, item.setup) for item in asked.found if isinstance(item, Built) and item.setup is not None]
    reached: dict[int, list[Guard]] = defaultdict(list)
    for call, _ in calls:
        for guard, value in leaves(call.extensions, call.guard):
            if isinstance(value, Instance):
                reached[id(value)].append(guard)
            elif not isinstance(value, Const):
                return
    if any(is_open(call.extensions) for call, _ in calls):
        return
    if not any(id(made.extension) in reached for made in asked.made):
        return
    for made in asked.made:
        guards = reached.get(id(made.extension))
        more = min(_without_opposites(guards), key=len) if guards else (calls[0][1],)
        for item in asked.found[made.found]:
            item.guard = both(item.guard, more)
        for number in range(*made.compiled.indices(len(asked.compiled))):
            name, said = asked.compiled[number]
            asked.compiled[number] = name, Said(said.text, said.where, both(said.guard, more))


def _settle_alternatives(requests: Iterable[Request]) -> None:
    """Drop a condition of what is asked for on the opposite one too, such as by pkg-config or else by its name."""
    groups: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        if request.kind in ("pkg-config", "library", "program") and not request.probe:
            groups[stem(request.name)].append(request)
    for group in groups.values():
        for request, guard in zip(group, _without_opposites([request.guard for request in group]), strict=False):
            request.guard = guard


def _without_opposites(asked: Iterable[Guard]) -> list[Guard]:
    """Return the guards of several places without the tests that make no difference to all of them together."""
    guards = [{_test(condition): condition for condition in guard} for guard in islice(asked, _MAX_GROUP)]
    for _ in range(_MAX_ROUNDS):
        settled = [_settled(guard, guards) for guard in guards]
        for guard, test in zip(guards, settled, strict=True):
            guard.pop(test, None)
    return [tuple(guard.values()) for guard in guards]


def path_of(said: Said, tree: SourceTree) -> str:
    """Return the path of a source that scripts compile: where there is none at that place, of one of its name."""
    name = posixpath.normpath(said.text)
    return name if name in tree else next(iter(tree.headers(name.rpartition("/")[2])), name)


def builds_otherwise(asked: Asked) -> bool:
    """Say whether more may be compiled than the sources that scripts are seen to compile."""
    return not asked.knows_all_sources() or any(
        isinstance(item, Request) and item.name in OTHER_BUILDS - _FOLLOWED for item in asked.found
    )


def conditional_sources(asked: Asked, tree: SourceTree) -> Mapping[str, str]:
    """Return the sources that scripts compile on conditions only, each with one of them.

    A Cython source and the C file that it was made into are one, as scripts compile whichever is there.
    """
    groups: dict[str, list[Guard]] = defaultdict(list)
    paths: dict[str, set[str]] = defaultdict(set)
    found = {}
    forgiving = _forgiven(asked)
    for extension, said in islice(asked.compiled, _MAX_REQUESTS):
        path = path_of(said, tree)
        if not extension and path not in tree:
            continue  # what a command adds it may have unpacked
        if extension in asked.removed:
            found[path] = f"unless removed at {asked.removed[extension]}"
        groups[path.rpartition(".")[0]].append(both(said.guard, forgiving))
        paths[path.rpartition(".")[0]].add(path)
    for base, guards in groups.items():
        left = _without_opposites(guards)
        if all(left):
            found.update(dict.fromkeys(paths[base], str(left[0][-1])))
    if any(isinstance(r, Request) and r.name in OTHER_BUILDS for r in asked.found):
        return found
    sources = {path: path.rpartition(".")[0] for path in tree.ending(*C_SUFFIXES, ".pyx")}
    others = (path for path, base in sources.items() if base not in groups)
    asks = (r.guard for r in asked.found if isinstance(r, Request) and (r.kind, r.name) == ("language", "c"))
    by_cffi = _without_opposites(asks)
    if by_cffi and all(by_cffi) and not asked.compiled:
        found.update(dict.fromkeys(others, str(by_cffi[0][-1])))
    if asked.knows_all_sources() and groups.keys() <= set(sources.values()):
        found.update(dict.fromkeys(others, "of no extension that is made on Linux"))
    elif found and asked.made and not asked.own and all(path in found for group in paths.values() for path in group):
        found.update(dict.fromkeys(others, next(iter(found.values()))))
    return found


def _settled(guard: _Tests, guards: list[_Tests]) -> tuple[int, bool]:
    """Return a test of a guard that makes no difference: another holds on its opposite, and else on no more."""
    for test, outcome in guard:
        rest = guard.keys() - {(test, outcome)}
        if any((test, not outcome) in other and other.keys() - {(test, not outcome)} <= rest for other in guards):
            return test, outcome
    return 0, False


def _test(condition: Condition) -> tuple[int, bool]:
    """Return what a condition is about, and its outcome: a handler is the other outcome of its `try`."""
    if isinstance(condition.node, ast.Try):
        return min(id(handler) for handler in condition.node.handlers), True
    if isinstance(condition.node, ast.ExceptHandler):
        return id(condition.node), False
    return id(condition.node), condition.holds


def stem(name: str) -> str:
    """Return a name without what differs between a library, its module of pkg-config and its folder."""
    name = re.sub(r"[-_]config$", "", name.lower())
    name = re.sub(r"[-_.]?v?\d+([._]\d+)*$", "", name)
    return re.sub(r"[^a-z]", "", name.removeprefix("lib"))


def _copies(tree: SourceTree) -> set[str]:
    """Return the names of libraries whose source the archive holds, as far as the names of folders tell."""
    found = set()
    for path in tree.sizes:
        folder, _, name = path.rpartition("/")
        if name in _RECIPES and folder:
            found.add(stem(folder.rpartition("/")[2]))
        elif packed := _PACKED.fullmatch(name):
            found.add(stem(packed[1]))
    return found


def _of_sources(asked: Asked, tree: SourceTree) -> Iterator[Evidence]:
    """Yield what C asks for that stands in scripts: sure where it is compiled, else only tried perhaps."""
    seen: set[str] = set()
    for said, compiled in sorted(asked.sources, key=lambda item: not item[1]):
        path, _, line = said.where.rpartition(":")
        if said.where in seen or not line.isdigit():
            continue
        seen.add(said.where)
        for found in find_includes(said.text, path, int(line)):
            if own_header(tree, path, found.name) is not None:
                continue
            optional = found.need == "optional" or bool(said.guard) or not compiled
            condition = found.condition or (str(said.guard[-1]) if said.guard else "")
            yield msgspec.structs.replace(found, need="optional" if optional else "required", condition=condition)
