"""Versions, relations and closures of Debian's packages."""

from itertools import pairwise

import pytest

from wheelbase.deb.errors import DebError
from wheelbase.deb.packages import PackageSet, packages_in
from wheelbase.deb.versions import Relation, Version, relations

# Each is later than the one before it, as `dpkg --compare-versions` has it.
ASCENDING = (
    "0~~",
    "0~",
    "0",
    "0+",
    "1.0~rc1",
    "1.0~rc1+b1",
    "1.0",
    "1.0-0.1",
    "1.0-1",
    "1.0-1+b2",
    "1.0-1+b10",
    "1.0-1.1",
    "1.0a-1",
    "1.0+dfsg-1",
    "1.0.1-1",
    "1.9-1",
    "1.10-1",
    "9:0.1",
    "10:0",
)


def index(*stanzas: str) -> PackageSet:
    """Make packages of lines like `a 1.0; Depends: b`."""
    text = []
    for stanza in stanzas:
        (name, version), *fields = stanza.split(";")[0].split(), *stanza.split(";")[1:]
        text += [f"Package: {name}", f"Version: {version}", *(field.strip() for field in fields)]
        text += ["Architecture: all", "Filename: f", "Size: 1", "SHA256: 0", ""]
    return PackageSet(packages_in(text, "main"))


def names(packages: PackageSet, *roots: str, left_out: str = "") -> list[str]:
    return [package.name for package in packages.closure(roots, lambda by, name: name in left_out.split())]


@pytest.mark.parametrize(("earlier", "later"), list(pairwise(ASCENDING)))
def test_versions_are_ordered_as_dpkg_orders_them(earlier: str, later: str) -> None:
    assert Version(earlier) < Version(later)
    assert not Version(later) < Version(earlier)
    assert Version(earlier) != Version(later)


def test_versions_that_are_written_in_two_ways_are_equal() -> None:
    assert Version("1.00") == Version("0:1.0-0") == Version("1.0")


def test_relations_keep_versions_and_drop_architectures() -> None:
    assert relations("a:any (>= 1.0~) | b, c (= 2)") == (
        (Relation(name="a", how=">=", version="1.0~"), Relation(name="b")),
        (Relation(name="c", how="=", version="2"),),
    )


def test_what_is_needed_is_there_and_nothing_else() -> None:
    packages = index("a 1; Depends: b", "b 1; Pre-Depends: c", "c 1", "d 1")
    assert names(packages, "a") == ["a", "b", "c"]


def test_the_newest_version_of_all_suites_is_taken() -> None:
    packages = index("a 1.9-1", "a 1.10-1", "a 1.2-1")
    assert [package.version for package in packages.closure(["a"], lambda by, name: False)] == ["1.10-1"]


def test_the_first_alternative_that_is_there_is_taken() -> None:
    packages = index("a 1; Depends: gone | b | c", "b 1", "c 1")
    assert names(packages, "a") == ["a", "b"]


def test_an_alternative_that_is_there_anyway_is_enough() -> None:
    packages = index("a 1; Depends: b | c, d", "b 1", "c 1", "d 1; Depends: c")
    assert names(packages, "a") == ["a", "c", "d"]


def test_an_alternative_of_a_wrong_version_is_none() -> None:
    packages = index("a 1; Depends: b (>= 2) | c", "b 1", "c 1")
    assert names(packages, "a") == ["a", "c"]


def test_a_virtual_package_is_had_from_what_provides_it() -> None:
    packages = index(
        "a 1; Depends: mail", "m 1; Provides: mail; Priority: optional", "b 1; Provides: mail; Priority: extra"
    )
    assert names(packages, "a") == ["a", "m"]
    assert names(packages, "a", "b") == ["a", "b"]


def test_a_version_is_only_met_by_what_provides_one() -> None:
    assert names(index("a 1; Depends: v (>= 2)", "p 1; Provides: v", "q 1; Provides: v (= 3)"), "a") == ["a", "q"]


def test_what_is_left_out_counts_as_there() -> None:
    packages = index("a 1; Depends: debconf (>= 0.5) | debconf-2.0, b", "b 1", "debconf 1")
    assert names(packages, "a", left_out="debconf") == ["a", "b"]
    assert names(packages, "a", "debconf", left_out="debconf") == ["a", "b", "debconf"]


@pytest.mark.parametrize(
    ("stanza", "message"),
    [
        ("a 1; Depends: gone", "a needs gone, and the archive does not have it"),
        ("a 1; Depends: b (>= 2)", r"a needs b \(>= 2\), and the archive has another version"),
        ("a 1; Conflicts: b; Depends: b", "a 1 cannot be together with b 1"),
        ("a 1; Depends: b; Breaks: b (<< 2)", "a 1 cannot be together with b 1"),
        ("c 1", "the archive has no package a"),
    ],
)
def test_what_cannot_be_had_is_an_error(stanza: str, message: str) -> None:
    with pytest.raises(DebError, match=message):
        names(index(stanza, "b 1"), "a")


def test_a_package_may_conflict_with_what_it_provides_itself() -> None:
    assert names(index("a 1; Provides: v; Conflicts: v"), "a") == ["a"]


def test_an_index_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(DebError, match="not sound at a: 'Filename'"):
        list(packages_in(["Package: a", "Version: 1", "Architecture: all"], "main"))
