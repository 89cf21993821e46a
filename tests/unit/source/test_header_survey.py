"""What headers of packages include of others: made of headers as texts, and a small release."""

from collections.abc import Mapping

import pytest

from wheelbase.source.header_survey import asked_by, survey
from wheelbase.system import snapshot_file
from wheelbase.system.contents import Contents
from wheelbase.system.lacking import Lack
from wheelbase.system.names import Names, Row
from wheelbase.system.packages import PackageIndex
from wheelbase.system.snapshot import sections
from wheelbase.system.tables import PackageTable

CONTENTS = """\
usr/include/deep.h          libdevel/libdeep-dev
usr/include/glue/glue.h     libdevel/libglue-dev
usr/include/glue/own.h      libdevel/libglue-dev
usr/include/many.h          libdevel/libone-dev
usr/include/many.h          libdevel/libother-dev
usr/include/stdio.h         libdevel/libc6-dev
usr/include/top.h           libdevel/libtop-dev
usr/include/x-1.0/x.h       libdevel/libx-dev
usr/lib/x86_64-linux-gnu/libdeep.so libdevel/libdeep-dev
usr/lib/x86_64-linux-gnu/pkgconfig/deep.pc libdevel/libdeep-dev
usr/lib/x86_64-linux-gnu/pkgconfig/glue.pc libdevel/libglue-dev
usr/lib/x86_64-linux-gnu/pkgconfig/top.pc libdevel/libtop-dev
"""
NAMES = "libc6-dev libdeep-dev libglue-dev libone-dev libother-dev libtop-dev libx-dev".split()
DEPENDS = {"libtop-dev": "libglue-dev"}
PACKAGES = "\n\n".join(
    f"Package: {name}\nVersion: 1\nSection: libdevel\nDepends: {DEPENDS.get(name, '')}"
    for name in (*NAMES, "gcc", "g++")
)
SOURCES = "\n\n".join(f"Package: s{number}\nBuild-Depends: {', '.join(NAMES)}" for number in range(3))


@pytest.fixture(scope="module")
def snapshot() -> snapshot_file.Snapshot:
    found = sections(CONTENTS.encode().splitlines(keepends=True), PACKAGES.splitlines(), SOURCES.splitlines())
    raw = snapshot_file.dump(
        release="debian-13", suite="trixie", date="2026-11-21", architecture="amd64", sections=found
    )
    return snapshot_file.Snapshot(raw, "small")


def lacking(snapshot: snapshot_file.Snapshot, texts: Mapping[str, Mapping[str, str]], *rows: Row) -> list[Lack]:
    packages = {
        package: {f"usr/include/{path}": asked_by(path, text) for path, text in headers.items()}
        for package, headers in texts.items()
    }
    index = PackageIndex(snapshot.section("packages", PackageTable))
    return list(survey(packages, Contents(snapshot), index, Names(rows)))


def test_a_header_of_a_package_that_is_not_depended_on(snapshot: snapshot_file.Snapshot) -> None:
    found = lacking(snapshot, {"libglue-dev": {"glue/glue.h": "#include <deep.h>\n#include <stdio.h>\n"}})
    assert found == [Lack("libglue-dev", "usr/include/glue/glue.h", "libdeep-dev", "deep.h")]


@pytest.mark.parametrize(
    "text",
    [
        "#ifdef HAVE_DEEP\n#include <deep.h>\n#endif",
        "#ifdef _WIN32\n#include <deep.h>\n#endif",
        "/* #include <deep.h> */",
        '#include "own.h"',
        "#include <glue/own.h>",
        "#include <many.h>",  # two have it: nobody knows which is meant
        '#include "x.h"',  # in no folder that compilers search, and not said to be the system's
        "#include <nowhere.h>",
    ],
)
def test_what_does_not_lack(snapshot: snapshot_file.Snapshot, text: str) -> None:
    assert lacking(snapshot, {"libglue-dev": {"glue/glue.h": text, "glue/own.h": ""}}) == []


def test_through_other_headers_and_what_a_dependency_lacks(snapshot: snapshot_file.Snapshot) -> None:
    texts = {
        "libglue-dev": {"glue/glue.h": '#include "own.h"', "glue/own.h": "#include <deep.h>"},
        "libtop-dev": {"top.h": "#include <glue/glue.h>"},
    }
    found = {(one.package, one.header.removeprefix("usr/include/"), one.other) for one in lacking(snapshot, texts)}
    assert found == {
        ("libglue-dev", "glue/glue.h", "libdeep-dev"),
        ("libglue-dev", "glue/own.h", "libdeep-dev"),
        ("libtop-dev", "top.h", "libdeep-dev"),
    }


def test_headers_that_include_one_another_come_to_an_end(snapshot: snapshot_file.Snapshot) -> None:
    texts = {"libglue-dev": {"glue/glue.h": '#include "own.h"', "glue/own.h": '#include "glue.h"\n#include <deep.h>'}}
    assert [one.header for one in lacking(snapshot, texts)] == ["usr/include/glue/glue.h", "usr/include/glue/own.h"]


def test_of_several_the_table_of_names_decides(snapshot: snapshot_file.Snapshot) -> None:
    row = Row(name="many", headers=("many.h",), deb=("libother-dev",))
    (found,) = lacking(snapshot, {"libglue-dev": {"glue/glue.h": "#include <many.h>"}}, row)
    assert found.other == "libother-dev"


@pytest.mark.parametrize(
    ("text", "include"),
    [
        ("Name: glue\nRequires: deep >= 1.0, glue\n", "deep.pc"),
        ("Requires.private: glue >= 2 deep = ${version}\n", "deep.pc"),
        ("Libs: -L${libdir} -lglue -ldeep -lm\n", "-ldeep"),
    ],
)
def test_a_module_that_asks_for_what_its_package_does_not_depend_on(
    snapshot: snapshot_file.Snapshot, text: str, include: str
) -> None:
    asked = {"libglue-dev": {"glue.pc": asked_by("glue.pc", text)}}
    asked["libtop-dev"] = {"top.pc": asked_by("top.pc", "Requires: glue\n")}
    index = PackageIndex(snapshot.section("packages", PackageTable))
    assert list(survey(asked, Contents(snapshot), index, Names(()))) == [
        Lack("libglue-dev", "glue.pc", "libdeep-dev", include),
        Lack("libtop-dev", "top.pc", "libdeep-dev", include),
    ]


@pytest.mark.parametrize("text", ["", "Libs.private: -ldeep\n", "Conflicts: deep\n", "Requires: \nLibs: -lnowhere\n"])
def test_a_module_that_asks_for_nothing_more(snapshot: snapshot_file.Snapshot, text: str) -> None:
    asked = {"libglue-dev": {"glue.pc": asked_by("glue.pc", text)}}
    index = PackageIndex(snapshot.section("packages", PackageTable))
    assert not list(survey(asked, Contents(snapshot), index, Names(())))
