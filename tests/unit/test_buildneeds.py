"""What archives need together: what is advised beside it, and what Debian's recipes do not tell of."""

from tests.unit.source.test_candidates import system

from wheelbase.recipes.buildneeds import Archive, ArchiveNeeds, BuildNeeds, together
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Evidence, Findings
from wheelbase.source.needs import needs_on

NO_TIME = Estimate(low=0, value=0, high=0)


def needs(name: str, *evidence: Evidence) -> BuildNeeds:
    on, findings = system("apk"), Findings(backend="", evidence=evidence)
    one = ArchiveNeeds(
        archive=Archive(name=name, version="1", source="", findings=findings),
        needs=needs_on(findings, on, project=name),
        cpu_seconds=NO_TIME,
    )
    return together([one], on)


def test_blas_is_advised_where_debian_has_it() -> None:
    blas = Evidence(kind="virtual", name="interface/blas", where="setup.py:1", need="optional", weight=0.8)
    found = needs("numpy", blas)
    assert [(need.package, need.lost) for need in found.advised] == [("openblas-dev", "fast linear algebra")]
    assert {package.name for package in found.left_in.packages} > {package.name for package in found.build.packages}
    assert needs("unknown-to-debian", blas).advised == ()


def test_what_comes_along_anyway_is_not_advised() -> None:
    png = Evidence(kind="pkg-config", name="libpng", where="setup.py:1")
    zlib = Evidence(kind="pkg-config", name="zlib", where="setup.py:2", need="optional")
    found = needs("matplotlib", png, zlib)
    assert [need.package for need in found.needs.optional] == ["zlib-dev"]
    assert found.advised == ()


def test_the_kernels_headers_are_needed_although_no_recipe_names_them() -> None:
    header = Evidence(kind="header", name="linux/input.h", where="a.c:1", weight=0.8)
    assert [need.package for need in needs("gevent", header).needs.build] == ["linux-headers"]
