"""What a user's own file says of an archive goes before what was found."""

from datetime import date

import pytest

from wheelbase.bases.facts import BaseFacts
from wheelbase.project.settings import Override, PerManager
from wheelbase.recipes.overrule import overruled, system_names
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Flag
from wheelbase.source.needs import Need, Needs
from wheelbase.system.platform import System, system_of

FOUND = Needs(
    build=(Need(package="libcurl4-openssl-dev", confidence=0.6, evidence=("setup.py:3",)),),
    tools=(Need(package="gcc", confidence=0.98, evidence=("a.c:1",)),),
    run=(Need(package="libcurl4t64", confidence=0.6, evidence=("setup.py:3",)),),
    missing=("nothing",),
    flags=(Flag(kind="dynamic", text="a name", where="setup.py:9"),),
    status="cannot build here",
)
SECONDS = Estimate(low=1, value=2, high=3)


def system(image: str, libc_version: str, manager: str) -> System:
    libc = "musl" if manager == "apk" else "glibc"
    facts = BaseFacts(
        image=image,
        arch="amd64",
        date=date(2026, 1, 1),
        libc=libc,  # type: ignore[arg-type]
        libc_version=libc_version,
        source="",
        python="3.13.5",
        package_manager=manager,
    )
    found = system_of(facts)
    assert found
    return found


@pytest.fixture(scope="module")
def debian() -> System:
    return system("debian:13", "2.41", "apt")


@pytest.fixture(scope="module")
def alpine() -> System:
    return system("alpine:3.22", "1.2.5", "apk")


def names(needs: tuple[Need, ...]) -> list[str]:
    return [need.package for need in needs]


def test_what_is_built_with_tells_what_is_loaded(debian: System, alpine: System) -> None:
    override = Override(build=["pc:libpq"])
    needs, seconds = overruled(FOUND, SECONDS, override, debian, "wheelbase.toml")
    assert (names(needs.build), names(needs.run), names(needs.tools)) == (["libpq-dev"], ["libpq5"], ["gcc"])
    assert needs.run[0].evidence == ("wheelbase.toml",) and needs.run[0].confidence == 1.0
    assert (needs.status, needs.missing, needs.flags, seconds) == ("likely complete", (), (), SECONDS)
    needs, _ = overruled(FOUND, SECONDS, override, alpine, "wheelbase.toml")
    assert (names(needs.build), names(needs.run)) == (["libpq-dev"], ["libpq"])


def test_what_is_loaded_is_told_once(debian: System) -> None:
    needs, _ = overruled(FOUND, SECONDS, Override(build=["libpq-dev", "pc:libpq", "no-such-dev"]), debian, "x")
    assert names(needs.run) == ["libpq5"]


def test_the_user_says_what_is_loaded(debian: System) -> None:
    needs, _ = overruled(FOUND, SECONDS, Override(build=["libpq-dev"], run=[{"apt": ["a", "b"]}]), debian, "x")
    assert names(needs.run) == ["a", "b"]
    needs, _ = overruled(FOUND, SECONDS, Override(build=["libpq-dev"], run=[]), debian, "x")
    assert needs.run == ()


def test_other_groups_leave_the_rest_to_the_analysis(debian: System) -> None:
    needs, seconds = overruled(FOUND, SECONDS, Override(tools=[], cpu_seconds=60), debian, "x")
    assert (needs.build, needs.tools, needs.run, needs.status) == (FOUND.build, (), FOUND.run, FOUND.status)
    assert seconds == Estimate(low=60, value=60, high=60)


def test_names_on_each_system(debian: System, alpine: System) -> None:
    entries: list[PerManager] = ["git", "pc:libxml-2.0", {"apt": "libffi8", "dnf": "libffi"}, "pc:no-such"]
    assert system_names(entries, debian) == ("git", "libxml2-dev", "libffi8", "no-such")
    assert system_names(entries, alpine)[:2] == ("git", "libxml2-dev")
