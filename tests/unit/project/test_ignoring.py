""".gitignore as Git reads it, .dockerignore as Docker does."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from wheelbase.errors import RequirementsError
from wheelbase.project.folder import files_of
from wheelbase.project.ignoring import read_dockerignore

NAMES = ("a", "b", "ab", "a.py", "b.txt", "c[1]", " x", "a ", "#h", "!n", "a\\b", "é", "foo", "-", "]")
PARTS = (
    *("*", "**", "***", "a*", "*.py", "*b", "a**b", "**b", "?", "??", "a.??", "a", "b", "ab", "foo", "é", " x", "a\\ "),
    *("[ab]", "[!a]", "[^a]*", "[a-c]*", "[b-a]", "[a-]", "[-a]", "[]a]", "[!]a]", "[\\]]", "[[:alpha:]]*", "[[:no:]]"),
    *("c[[]1]", "[!/]", "a[", "\\a", "a\\", "\\#h", "\\!n", "#h", "a "),
)


def pattern(chance: random.Random) -> str:
    text = "/".join(chance.choice(PARTS) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))
    text = chance.choice(["", "", "", "/"]) + text + chance.choice(["", "", "", "/"])
    return chance.choice(["", "", "!"]) + text + chance.choice([""] * 9 + [" ", "  ", "\r"])


def make_tree(root: Path, chance: random.Random) -> None:
    for _ in range(30):
        path = root.joinpath(*(chance.choice(NAMES) for _ in range(chance.choice([1, 2, 3]))))
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    folders = [root, *(path for path in sorted(root.rglob("*")) if path.is_dir())]
    for folder in [root, *chance.sample(folders, min(2, len(folders)))]:
        lines = [pattern(chance) for _ in range(chance.choice([1, 2, 3, 5]))]
        (folder / ".gitignore").write_bytes("\n".join(lines).encode() + chance.choice([b"\n", b""]))


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("seed", range(40))
def test_git_leaves_the_same_files(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    make_tree(tmp_path, chance)
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody"), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, env=variables, check=True)
    folders = [tmp_path, *(path for path in tmp_path.iterdir() if path.is_dir() and path.name != ".git")]
    for folder in folders:
        command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=True).stdout
        kept = {os.fsdecode(path) for path in listed.split(b"\0") if path}
        try:
            found = {file.path for file in files_of(folder)[0]}
        except RequirementsError:
            found = set()
        assert found == kept or (not kept and folder != tmp_path), f"{folder.name}: {found ^ kept}"


def test_a_folder_outside_a_repository_has_its_own_patterns_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("")
    assert [file.path for file in files_of(tmp_path / "app")[0]] == ["main.py"]
    (tmp_path / ".git").mkdir()
    with pytest.raises(RequirementsError, match="no file"):
        files_of(tmp_path / "app")


def ignored(tmp_path: Path, patterns: str, path: str) -> bool:
    """Whether Docker leaves a path out, by itself or for its folders."""
    (tmp_path / ".dockerignore").write_text(patterns)
    ignore = read_dockerignore(tmp_path)
    left_out = False
    matches: tuple[bool, ...] = ()
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        left_out, matches = ignore.matches("/".join(parts[:end]), matches)
    return left_out


# From moby's patternmatcher_test.go, and what its documentation says.
@pytest.mark.parametrize(
    ("patterns", "path", "left_out"),
    [
        ("**", "file", True),
        ("**", "dir/file", True),
        ("**/", "dir/file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir/file", True),
        ("dir/**", "dir2/file", False),
        ("dir/**", "dir/dir2/file.txt", True),
        ("**/dir", "dir", True),
        ("**/dir", "dir/file", True),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**/dir2/*", "dir/dir2/dir2/file", True),
        ("**file", "dir/file", True),
        ("**file", "dir/dir/afile", True),
        ("**file", "file.txt", False),
        ("**/file*txt", "dir/file.txt", True),
        ("**/**/*.txt", "dir/dir/file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("a**/*.txt", "a/dir/file.txt", True),
        ("a[b-d]e", "ace", True),
        ("a[^b-d]e", "aee", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a?b", "aéb", True),
        ("*c", "a/c", False),
        ("a*/b", "a/c/b", False),
        ("abc.def", "abcdef", False),
        ("abc?def", "abc/def", False),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        ("dist/*.whl", "dist/a.whl", True),
        ("/dir/../file/", "file", True),
        ("  dir  ", "dir/file", True),
        ("# dir", "# dir", False),
        (" #dir", "#dir", True),
        ("*\n!README.md", "README.md", False),
        ("*\n!docs", "docs/a/b.md", False),
        ("*\n!docs\ndocs/a", "docs/a/b.md", True),
        ("! dir\n*", "dir", True),
        ("../dir", "dir", False),
        ("/../dir", "dir", True),
        (".", "dir", False),
        ("/", "dir", False),
        ("dir\n!dir/a", "dir/a/b", False),
        ("dir\n!dir/a\ndir/a/b", "dir/a/b", True),
        ("dir\n!dir/a\ndir", "dir/a", False),
        ("*\n! dir", "dir/file", False),
        ("!a", "b", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
    ],
)
def test_docker_leaves_out(tmp_path: Path, patterns: str, path: str, left_out: bool) -> None:
    assert ignored(tmp_path, patterns, path) is left_out


def test_either_file_leaves_out_and_docker_has_files_back_from_a_folder(tmp_path: Path) -> None:
    for path in ("a/kept.py", "a/other.py", "b/x", "c/x.log", "d/x"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("")
    (tmp_path / ".gitignore").write_text("*.log\nd\n.dockerignore\n.gitignore\n")
    (tmp_path / ".dockerignore").write_text("a\n!a/kept.py\n!**/*.log\n!d/*\n")
    assert [file.path for file in files_of(tmp_path)[0]] == ["a/kept.py", "b/x"]


def test_what_is_no_pattern_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a[\n")
    with pytest.raises(RequirementsError, match=r"\.dockerignore: 'a\[' is not a pattern"):
        read_dockerignore(tmp_path)
