"""What the scripts of a build say that decides how much is compiled. Pure; bounded, whatever they hold."""

import posixpath
import re
from collections.abc import Iterator
from itertools import islice

from wheelbase.source.backend import Backend
from wheelbase.source.counts_c import suffix_of
from wheelbase.source.makefile import MAKEFILES
from wheelbase.source.own_headers import C_SUFFIXES
from wheelbase.source.tree import SourceTree, is_vendored

_ALL_IN_CPP = re.compile(r"cython_language=cpp|language[\"']?[ \t]*[=:][ \t]*[\"']c\+\+")
_MORE_OPTIMIZED = re.compile(r"-O[3-9]|-Ofast")
_COMPILES = re.compile(r"\bspawn\(|\bnew_compiler\(|\bcompiler\.compile\(")
_RUNS_CMAKE = re.compile(r"[\"']cmake[\"']")
_RUNS_MESON = re.compile(r"[\"']meson[\"']")
_RUNS_MAKE = re.compile(r"[\"'](?:[^\"'\n]{0,200}(?:&&|;|\bsh|\bbash)[ \t]*)?(?:\./)?make(?:\.sh)?(?=[\"' ])")
_IN_MAKEFILE = re.compile(r"[\w./-]{0,200}\*\.(?:c|cc|cpp|cxx)\b|[\w./-]{1,200}\.o\b")
_CPP20 = re.compile(r"\+\+2[0-9abx]|cxx_std_2\d|CXX_STANDARD[ \t]+2\d")
_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r"[\w.+-]+")
_LARGE_CONFIGURE = 60_000  # bytes; what autoconf writes is larger, what people write is not
_MOST_NAMES = 2_000  # in one Makefile


class Scripts:
    """What a build's scripts say: the words in them, what they run, and with which flags they compile."""

    def __init__(self, tree: SourceTree, backend: Backend) -> None:
        """The scripts are read at once."""
        self.words: set[str] = set()
        self.meson_words: set[str] = set()
        self.cython_in_cpp = False
        self.more_optimized = False
        self.cpp20 = False  # or newer
        self.compile = False  # by themselves: extensions are not all then
        self.cmake = "cmake" in backend.name or "scikit_build" in backend.name
        self.cmake |= backend.requires_any("scikit-build", "cmake")
        self.meson = backend.name == "mesonpy"
        makes = False
        for path in tree.used():
            name = path.rsplit("/", 1)[-1]
            in_python = name.endswith(".py") and ("/" not in path or "setup" in path)
            if in_python or name in ("CMakeLists.txt", "meson.build"):
                text = _COMMENT.sub("", tree.text(path))
                words = _WORD.findall(text)
                self.words.update(words)
                self.meson_words.update(words if name == "meson.build" else ())
                self.cmake |= in_python and bool(_RUNS_CMAKE.search(text))
                self.meson |= in_python and bool(_RUNS_MESON.search(text))
                makes |= in_python and bool(_RUNS_MAKE.search(text))
                self.cpp20 |= not is_vendored(path) and bool(_CPP20.search(text))
                self.compile |= bool(_COMPILES.search(text))
                self.more_optimized |= bool(_MORE_OPTIMIZED.search(text))
                self.cython_in_cpp |= bool(_ALL_IN_CPP.search(text))
        self.made_by_make = set(_made_by_make(tree)) if makes else set()
        large = (path for path in tree.named("configure") if tree.sizes[path] > _LARGE_CONFIGURE)
        # The folders whose `configure` is run: many archives have one that nothing calls.
        self.configured = [path.removesuffix("configure") for path in large] if "configure" in self.words else []

    def named_by_meson(self, path: str) -> bool:
        """Say whether a meson.build has the name of a file, or the part before its suffix, of which it may make it."""
        name = path.rpartition("/")[2]
        return name in self.meson_words or name.rpartition(".")[0] in self.meson_words


def _made_by_make(tree: SourceTree) -> Iterator[str]:
    """Yield the sources that Makefiles collect by a pattern, or whose objects they name."""
    for makefile in tree.named(*MAKEFILES):
        folder = makefile.rpartition("/")[0]
        for match in islice(_IN_MAKEFILE.finditer(tree.text(makefile)), _MOST_NAMES):
            found = match[0].lstrip("/")  # after the variable that holds the folder of objects
            name = f"{found[:-2]}.*" if found.endswith(".o") else found
            sources = tree.matching(posixpath.normpath(posixpath.join(folder, name))) or ()
            yield from (path for path in sources if suffix_of(path) in C_SUFFIXES)
