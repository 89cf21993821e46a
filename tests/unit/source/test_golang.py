"""What a build in Go needs."""

from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.golang import find_in_go
from wheelbase.source.tree import SourceTree


def found(**files: str) -> list[Evidence | Flag]:
    texts = {
        path.replace("__", "/").replace("_py", ".py").replace("_mod", ".mod").replace("_txt", ".txt"): text.encode()
        for path, text in files.items()
    }
    return list(find_in_go(SourceTree(dict.fromkeys(texts, 1), texts)))


GO_MOD = "module x\n\ngo 1.21\n\nrequire example.org/y v1\n"
SETUP = "call(['go', 'build'])"


def test_what_setup_py_runs() -> None:
    assert found(setup_py=SETUP, go_mod=GO_MOD) == [
        Evidence(kind="language", name="go", where="go.mod:1"),
        Flag(kind="version", text="go >= 1.21", where="go.mod:3"),
        Flag(kind="download", text="Go modules are downloaded", where="go.mod:1"),
    ]


def test_vendored_modules_are_not_downloaded() -> None:
    listed = found(setup_py=SETUP, go_mod=GO_MOD, vendor__modules_txt="")
    assert [one.kind for one in listed] == ["language", "version"]


def test_modules_that_nothing_builds() -> None:
    assert found(go_mod=GO_MOD) == []
