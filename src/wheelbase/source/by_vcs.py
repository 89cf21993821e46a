"""Build requirements that stand in a repository (PEP 508, "a @ git+https://..."): what pip fetches them with."""

import re
from collections.abc import Iterator

from wheelbase.source.backend import backend_of, place_of
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree

_OF_REPOSITORY = re.compile(r"@\s*(git|hg|svn|bzr)\+(\S+)")


def find_in_requirements(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield the program for each such requirement of the build, and that it is downloaded."""
    lines = tree.text("pyproject.toml").split("\n")
    for required in backend_of(tree).requires:
        if found := _OF_REPOSITORY.search(required):
            where = place_of(lines, found[2])
            yield Evidence(kind="program", name=found[1], where=where, weight=0.98)
            yield Flag(kind="download", text=f"{found[1]} fetches {found[2]}", where=where)
