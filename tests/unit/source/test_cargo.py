"""What crates need."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.source.cargo import find_in_cargo
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree

PYPROJECT = "[build-system]\nrequires = ['maturin>=1']\nbuild-backend = 'maturin'\n"


def lock(*packages: str, version: int = 3) -> str:
    """A lock file of packages, each "name: its dependencies"; the first is the archive's own."""
    text = f"# made by Cargo\nversion = {version}\n"
    for number, package in enumerate(packages):
        name, _, dependencies = package.partition(":")
        source = 'source = "registry+https://example.org/index"\nchecksum = "00"\n' if number else ""
        listed = "".join(f' "{one}",\n' for one in dependencies.split())
        text += f'\n[[package]]\nname = "{name}"\nversion = "1.0.0"\n{source}dependencies = [\n{listed}]\n'
    return text


def found(manifest: str, locked: str = "", pyproject: str = PYPROJECT, **others: str) -> list[Evidence | Flag]:
    texts = {"pyproject.toml": pyproject, "Cargo.toml": manifest} | ({"Cargo.lock": locked} if locked else {})
    texts |= {
        path.replace("__", "/").replace("_toml", ".toml").replace("_py", ".py"): text for path, text in others.items()
    }
    contents = {path: text.encode("utf-8", "replace") for path, text in texts.items() if text}
    return list(find_in_cargo(SourceTree({path: len(data) for path, data in contents.items()}, contents)))


def evidence(manifest: str, locked: str = "", pyproject: str = PYPROJECT, **others: str) -> dict[str, Evidence]:
    return {one.name: one for one in found(manifest, locked, pyproject, **others) if isinstance(one, Evidence)}


def needs(manifest: str, locked: str = "", **others: str) -> dict[str, tuple[str, bool]]:
    return {name: (one.need, one.bundled) for name, one in evidence(manifest, locked, **others).items()}


def flags(manifest: str, locked: str = "", pyproject: str = PYPROJECT, **others: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in found(manifest, locked, pyproject, **others) if isinstance(one, Flag)]


OWN = '[package]\nname = "own"\n[dependencies]\n'


def test_a_crate_that_binds_a_library() -> None:
    locked = lock(
        "own: openssl", "openssl: openssl-sys", "openssl-sys: cc pkg-config vcpkg", "cc:", "pkg-config:", "vcpkg:"
    )
    assert found(OWN + 'openssl = "0.10"\n', locked) == [
        Flag(kind="download", text="crates are downloaded from the crate registry", where="Cargo.lock:1"),
        Evidence(kind="crate", name="openssl-sys", where="Cargo.lock:20", weight=0.85),
        Evidence(kind="language", name="c", where="Cargo.lock:31", weight=0.85),
        Evidence(kind="program", name="pkg-config", where="Cargo.lock:39", weight=0.85),
    ]


@pytest.mark.parametrize(
    ("crates", "expected"),
    [
        (
            ["openssl-sys: openssl-src", "openssl-src:"],
            {"openssl-sys": ("optional", True), "perl": ("optional", False)},
        ),
        (["libsqlite3-sys: pkg-config"], {"libsqlite3-sys": ("required", False)}),
        (["libsqlite3-sys: cc"], {"libsqlite3-sys": ("optional", True)}),
        (["libz-sys:"], {"libz-sys": ("optional", True)}),
        (["zstd-sys:", "linux-raw-sys:", "windows-sys:"], {}),
        (["never-heard-sys:"], {"never-heard-sys": ("optional", False)}),
        (["libusb1-sys:"], {"libusb1-sys": ("optional", True)}),
        (["prost-build:"], {"protoc": ("optional", False)}),
        (["schannel: openssl-sys", "openssl-sys:"], {}),
        (["unused: ", "openssl-sys:"], {}),
    ],
)
def test_what_crates_look_for(crates: list[str], expected: dict[str, tuple[str, bool]]) -> None:
    names = [crate.split(":")[0] for crate in crates]
    direct = [
        name
        for name in names
        if name not in ("openssl-src",) and not (name == "openssl-sys" and len(names) == 2 and "src" not in names[1])
    ]
    manifest = OWN + "".join(f'{name} = "1"\n' for name in direct)
    assert needs(manifest, lock(f"own: {' '.join(direct)}", *crates)) == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ('[package]\nname = "own"\n[dependencies]\nopenssl-sys = "1"\n', True),
        ('[package]\nname = "own"\n[build-dependencies]\nopenssl-sys = "1"\n', True),
        ('[package]\nname = "own"\n[dev-dependencies]\nopenssl-sys = "1"\n', False),
        ('[package]\nname = "own"\n[dependencies]\nssl = {package = "openssl-sys", version = "1"}\n', True),
        ('[package]\nname = "own"\n[dependencies]\nopenssl-sys = {version = "1", optional = true}\n', False),
        (
            '[package]\nname = "own"\n[dependencies]\nopenssl-sys = {version = "1", optional = true}\n'
            '[features]\ndefault = ["ssl"]\nssl = ["dep:openssl-sys"]\n',
            True,
        ),
        ("[package]\nname = 'own'\n[target.'cfg(windows)'.dependencies]\nopenssl-sys = '1'\n", False),
        ("[package]\nname = 'own'\n[target.'cfg(unix)'.dependencies]\nopenssl-sys = '1'\n", True),
        ("[package]\nname = 'own'\n[target.'cfg(not(target_os = \"macos\"))'.dependencies]\nopenssl-sys = '1'\n", True),
        (
            "[package]\nname = 'own'\n"
            "[target.'cfg(any(windows, target_os = \"macos\"))'.dependencies]\nopenssl-sys = '1'\n",
            False,
        ),
        (
            "[package]\nname = 'own'\n"
            "[target.'cfg(all(unix, target_arch = \"x86_64\"))'.dependencies]\nopenssl-sys = '1'\n",
            True,
        ),
        ("[package]\nname = 'own'\n[target.x86_64-pc-windows-msvc.dependencies]\nopenssl-sys = '1'\n", False),
    ],
)
def test_which_dependencies_are_compiled_on_linux(manifest: str, expected: bool) -> None:
    assert ("openssl-sys" in needs(manifest, lock("own: openssl-sys", "openssl-sys:"))) is expected


def test_a_workspace_with_the_stated_manifest() -> None:
    pyproject = PYPROJECT + "[tool.maturin]\nmanifest-path = 'rust/ext/Cargo.toml'\n"
    listed = evidence(
        '[workspace]\nmembers = ["rust/ext"]\n',
        lock("ext: pq-sys", "pq-sys:"),
        pyproject,
        rust__ext__Cargo_toml='[package]\nname = "ext"\n[dependencies]\npq-sys = "1"\n',
    )
    assert listed["pq-sys"].need == "required"


def test_no_lock_file() -> None:
    assert needs(OWN + 'openssl = "1"\nserde = "1"\n') == {"openssl-sys": ("required", False)}
    assert ("download", "crates are downloaded from the crate registry") in flags(OWN + 'serde = "1"\n')


def test_vendored_crates_are_not_downloaded() -> None:
    config = '[source.crates-io]\nreplace-with = "vendored-sources"\n'
    contents = {
        "pyproject.toml": PYPROJECT.encode(),
        "Cargo.toml": (OWN + 'a = "1"\n').encode(),
        "Cargo.lock": lock("own: a", "a:").encode(),
        ".cargo/config.toml": config.encode(),
    }
    assert list(find_in_cargo(SourceTree(dict.fromkeys(contents, 1), contents))) == []


def test_crates_of_git_repositories() -> None:
    locked = lock("own: a", "a:").replace("registry+", "git+")
    assert flags(OWN + 'a = "1"\n', locked) == [("download", "crates are downloaded from git repositories")]


@pytest.mark.parametrize(
    ("manifest", "version", "expected"),
    [
        ('[package]\nname = "own"\nrust-version = "1.74"\n', 3, ["rust >= 1.74"]),
        ('[package]\nname = "own"\nrust-version = "1.74.1"\nedition = "2024"\n', 4, ["rust >= 1.78"]),
        ('[package]\nname = "own"\nedition = "2024"\n', 3, ["rust >= 1.85"]),
        (
            '[package]\nname = "own"\nedition.workspace = true\n[workspace.package]\nrust-version = "1.83.0"\n',
            4,
            ["rust >= 1.83.0"],
        ),
        ('[package]\nname = "own"\n', 3, []),
    ],
)
def test_the_rust_that_is_needed(manifest: str, version: int, expected: list[str]) -> None:
    assert flags(manifest, lock("own:", version=version)) == [("version", one) for one in expected]


def test_crates_that_the_build_is_not_seen_to_compile() -> None:
    listed = evidence(OWN + 'pq-sys = "1"\n', lock("own: pq-sys", "pq-sys:"), "")
    assert (listed["pq-sys"].need, listed["pq-sys"].weight) == ("optional", 0.34)
    assert flags(OWN + 'pq-sys = "1"\n', lock("own: pq-sys", "pq-sys:"), "") == []
    assert list(find_in_cargo(SourceTree({}, {}))) == []


@pytest.mark.parametrize(
    "manifest", ["[", "a = " + "[" * 5_000, "x = {" + "a." * 100_000 + "b = 1}", "x = 1\n" * 200_000]
)
def test_broken_manifests_are_flagged(manifest: str) -> None:
    start = time.process_time()
    assert [kind for kind, _ in flags(manifest)] == ["unreadable"]
    assert time.process_time() - start < 5


def test_huge_lock_files() -> None:
    start = time.process_time()
    needs(OWN, lock("own: p0", *(f"p{number}: p{number + 1}" for number in range(9_000))))
    needs(f"[package]\nname = 'own'\n[target.'cfg({'not(' * 100_000})'.dependencies]\na = '1'\n", lock("own:"))
    assert time.process_time() - start < 5


VALUES = st.recursive(
    st.sampled_from(["true", "1", "'a'", "'1.70'", "'dep:a'", "'2024'"]),
    lambda inner: (
        st.lists(inner, max_size=2).map(lambda parts: f"[{', '.join(parts)}]") | inner.map("{{a = {}}}".format)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    "package.name package.rust-version package.edition package workspace.package dependencies dependencies.a"
    " features.default features target.'cfg(a)'.dependencies target.a build-dependencies.b.optional workspace".split()
)


@given(
    st.lists(st.tuples(KEYS, VALUES), max_size=6), st.text(max_size=50), st.text(alphabet='(),=an"oty ', max_size=30)
)
def test_junk(pairs: list[tuple[str, str]], text: str, cfg: str) -> None:
    manifest = "\n".join(f"{key} = {value}" for key, value in pairs)
    for one in (
        found(manifest, text)
        + found(text)
        + found(OWN + f"a = '1'\n[target.'cfg({cfg})'.dependencies]\nb = '1'\n", lock("own:"))
    ):
        assert ":" in one.where


@pytest.mark.parametrize(
    ("crate", "others", "expected"),
    [
        ("prost-build", "", ("protoc", "required")),
        ("prost-build", "protoc-bin-vendored", ("protoc", "optional")),
        ("tonic-build", "prost-build", ("protoc", "required")),
        ("cmake", "", ("cmake", "required")),
    ],
)
def test_programs_that_an_own_build_script_runs(crate: str, others: str, expected: tuple[str, str]) -> None:
    manifest = f'[package]\nname = "own"\n[build-dependencies]\n{crate} = "1"\n'
    manifest += f'{others} = "1"\n' if others else ""
    listed = evidence(manifest, lock(f"own: {crate} {others}", f"{crate}:", *([f"{others}:"] if others else [])))
    assert listed[expected[0]].need == expected[1]
    by_another = evidence(
        OWN + 'dep = "1"\n', lock("own: dep", f"dep: {crate} {others}", f"{crate}:", f"{others or 'x'}:")
    )
    assert by_another[expected[0]].need == "optional"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('fn main() { pkg_config::probe_library("foo").unwrap(); }', {"foo": "required"}),
        (
            'fn main() { pkg_config::Config::new().atleast_version("2").probe("foo").expect("no"); }',
            {"foo": "required"},
        ),
        ('fn f() -> Result<(), E> { pkg_config::probe_library("foo")?; Ok(()) }', {"foo": "required"}),
        ('fn main() { let found = pkg_config::probe_library("foo"); }', {"foo": "optional"}),
        ('fn main() { if x { pkg_config::probe_library("foo").unwrap(); } }', {"foo": "optional"}),
        ('fn main() { println!("cargo:rustc-link-lib=foo"); }', {"foo": "required"}),
        ('fn main() { println!("cargo::rustc-link-lib=dylib=foo"); }', {"foo": "required"}),
        ('fn main() { let url = "https://{"; println!("cargo:rustc-link-lib=foo"); }', {"foo": "required"}),
        ('fn main() { println!("cargo:rustc-link-lib=static=foo"); println!("cargo:rustc-link-lib={}", x); }', {}),
        ('fn main() { // println!("cargo:rustc-link-lib=foo");\n println!("cargo:rustc-link-lib=m"); }', {}),
    ],
)
def test_what_an_own_build_script_links(script: str, expected: dict[str, str]) -> None:
    tree = {"pyproject.toml": PYPROJECT, "Cargo.toml": OWN, "Cargo.lock": lock("own:"), "build.rs": script}
    contents = {path: text.encode() for path, text in tree.items()}
    listed = find_in_cargo(SourceTree({path: len(data) for path, data in contents.items()}, contents))
    assert {one.name: one.need for one in listed if isinstance(one, Evidence)} == expected
