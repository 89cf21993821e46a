"""What builds from source leave of what wheels have: what archives really hold, and what builds of them left."""

from dataclasses import replace

import pytest
from tests.fake_index import FakeIndex
from tests.unit.test_fit import built, fitted, question
from tests.unit.test_resolve import stated

from wheelbase.index.values import FormatControl
from wheelbase.recipes.asbuilt import listing_as_built
from wheelbase.recipes.reading import nearest_wheel
from wheelbase.source.findings import Evidence, Findings
from wheelbase.wheels.contents import Listing

PILLOW = Findings(
    backend="backend",
    build_requires=("pybind11", "setuptools>=77"),
    evidence=(
        Evidence(kind="library", name="webp", where="setup.py:880", need="optional", condition="all(found)"),
        Evidence(kind="header", name="webp/encode.h", where="src/_webp.c:4", need="optional"),
        Evidence(kind="header", name="xcb/xcb.h", where="src/_imaging.c:8", need="optional", condition="#ifdef XCB"),
        Evidence(kind="header", name="jpeglib.h", where="src/_imagingmath.c:3"),
    ),
    counts={"c_code": 19.0},
)
PLACES = tuple(one.where for one in PILLOW.evidence)
SYSTEM = "cpython-313-x86_64-linux-gnu.so"


def listing(*names: str) -> Listing:
    files = tuple((f"{name}.{SYSTEM}" if "." not in name else name, 1000, 400) for name in names)
    return Listing(bytes=1, files=files)


def modules(wheel: Listing, findings: Findings, lacking: tuple[str, ...]) -> set[str]:
    built = listing_as_built(wheel, findings, lacking)
    return {path.rpartition("/")[2].partition(".")[0] for path, _, _ in built.files}


def test_a_module_of_a_file_that_includes_what_is_not_there_is_not_built() -> None:
    wheel = listing("PIL/_imaging", "PIL/_imagingmath", "PIL/_webp", "PIL/Image.py", "pillow.libs/libwebp.so.7")
    assert modules(wheel, PILLOW, PLACES) == {"_imaging", "_imagingmath", "Image"}
    assert modules(wheel, PILLOW, ()) == {"_imaging", "_imagingmath", "_webp", "Image"}


@pytest.mark.parametrize(
    ("evidence", "built"),
    [
        # pyyaml 6.0.4: the failure of the only extension is caught.
        ({"kind": "library", "name": "yaml", "condition": "unless (CompileError, LinkError)"}, False),
        # xxhash 4.1.0: its own copy is built where no variable asks for the system's.
        ({"kind": "library", "name": "yaml", "condition": "os.getenv('LINK_SO')"}, True),
        ({"kind": "library", "name": "yaml", "condition": "unless E", "bundled": True}, True),
        ({"kind": "library", "name": "yaml", "condition": "unless E", "need": "required"}, True),
        # ijson 3.6.0, pykafka 2.8.0: the folder, and the stem of what Python 2 called such a file.
        ({"kind": "header", "name": "yajl.h", "where": "src/ext/_yaml/reader.c:1"}, False),
        ({"kind": "header", "name": "yaml.h", "where": "yaml/_yamlmodule.c:1"}, False),
        ({"kind": "header", "name": "yaml.h", "where": "_yaml/src/reader.c:1"}, True),
    ],
)
def test_what_is_left_out(evidence: dict[str, str], built: bool) -> None:
    one = Evidence(**{"where": "setup.py:352", "need": "optional"} | evidence)  # type: ignore[arg-type]
    left = modules(listing("yaml/_yaml", "yaml/nodes.py"), Findings(backend="", evidence=(one,)), (one.where,))
    assert left == ({"_yaml", "nodes"} if built else {"nodes"})


def test_of_modules_of_one_name_it_is_the_one_beside_the_file() -> None:
    header = Evidence(kind="header", name="vpx.h", where="xpra/codecs/vpx/encoder.pyx:3", need="optional")
    wheel = listing("xpra/codecs/vpx/encoder", "xpra/codecs/webp/encoder")
    built = listing_as_built(wheel, Findings(backend="", evidence=(header,)), (header.where,))
    assert [path.partition(".")[0] for path, _, _ in built.files] == ["xpra/codecs/webp/encoder"]


def test_debug_information_is_in_the_modules_alone_and_deflates_less() -> None:
    (module, plain) = listing_as_built(listing("a/_a", "a/b.py"), PILLOW, ()).files
    assert plain == ("a/b.py", 1000, 400)
    assert module[1] > 2000 and module[2] == int(module[1] * 0.4)


def test_a_backend_in_the_archive_compiles_as_setuptools_does_where_it_asks_for_it() -> None:
    wheel = listing("a/_a")
    plain = Findings(backend="mesonpy", build_requires=("meson-python", "setuptools"), counts={"c_code": 1.0})
    assert listing_as_built(wheel, plain, ()).files == wheel.files
    own = Findings(backend="backend", build_requires=("setuptools-scm",), counts={"c_code": 1.0})
    assert listing_as_built(wheel, own, ()).files == wheel.files
    assert listing_as_built(wheel, PILLOW, ()).files != wheel.files


def test_what_has_debug_information_shrinks_and_is_pulled_as_it_was() -> None:
    wheel = Listing(bytes=1, files=((f"a/_a.{SYSTEM}", 1000, 290),))
    assert listing_as_built(wheel, PILLOW, ()).files[0][1:] == (700, 290)
    assert listing_as_built(wheel, PILLOW, (), dwarf=4).files == wheel.files


@pytest.mark.usefixtures("nobody")
def test_for_musl_the_wheel_for_glibc_tells(fake_index: FakeIndex) -> None:
    wheels = built("app", "1.0", "musllinux_1_2", "manylinux_2_28", "manylinux_2_17")
    other = {"app-1.0-cp312-cp312-manylinux_2_28_x86_64.whl": b"", "app-1.0-cp313-cp313-manylinux_2_28_armv7l.whl": b""}
    fake_index.add("app", other | wheels | {"app-1.0.tar.gz": stated("app", "1.0")})
    fake_index.add("own", built("own", "1.0", "musllinux_1_2") | {"own-1.0.tar.gz": stated("own", "1.0")})
    asked = question(fake_index, "app", "own")
    refusing = replace(asked.settings, format_control=FormatControl(no_binary=frozenset(["app", "own"])))
    app, own = map(nearest_wheel, fitted(replace(asked, settings=refusing), "musl").picked)
    assert app and app.filename in wheels and "manylinux" in app.filename
    assert own and own.filename == "own-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"
