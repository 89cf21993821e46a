"""What headers of Debian's packages lack: the data that ships, and how it is written."""

import json
import lzma

import pytest

from wheelbase.system.lacking import Lack, load_lacking, written
from wheelbase.system.releases import releases

ONE = Lack("liba-dev", "usr/include/a.h", "libz-dev", "z.h")
TWO = Lack("liba-dev", "usr/include/b.h", "libz-dev", "z.h")


def test_the_same_headers_give_the_same_bytes_in_any_order() -> None:
    assert written({"debian-12": [ONE, TWO]}) == written({"debian-12": [TWO, ONE]})
    assert json.loads(lzma.decompress(written({"debian-12": [ONE, TWO]}))) == {
        "debian-12": [["liba-dev", "libz-dev", "z.h", "usr/include/a.h\nusr/include/b.h"]]
    }


@pytest.mark.parametrize("release", releases("debian"))
def test_what_ships_is_known_of_each_release(release: str) -> None:
    table = load_lacking(release)
    assert len(table) > 1000
    assert all(one.other != package for (package, _), lacking in table.items() for one in lacking)


def test_a_header_that_is_known_to_lack_some() -> None:
    found = load_lacking("debian-13")["libucto-dev", "usr/include/ucto/tokenize.h"]
    assert {"libfolia-dev", "libicu-dev", "libxml2-dev"} <= {one.other for one in found}


def test_a_release_that_was_not_read_has_what_the_newest_has() -> None:
    assert load_lacking("ubuntu-26.04") == load_lacking(releases("debian")[-1])


def test_a_module_that_is_known_to_lack_some() -> None:
    (blas,) = load_lacking("debian-12")["coinor-libipopt-dev", "ipopt.pc"]
    assert (blas.other, blas.include) == ("libopenblas-dev", "-lblas")
