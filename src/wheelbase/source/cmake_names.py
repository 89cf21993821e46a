"""What the names of CMake's packages, programs and libraries mean on a system. Pure."""

import itertools
import re

from wheelbase.system.names import Kind

_MAX_ITEMS = 200

LANGUAGES = {"C": "c", "CXX": "c++", "FORTRAN": "fortran", "CUDA": "cuda", "OBJC": "c", "OBJCXX": "c++"}
HAD_ANYWAY = re.compile(
    r"(python|numpy$|cython$|f2py|usecython|threads$|openmp$|openacc$|intl$|iconv$|scikit-?build|skbuild|unixcommands$"
    r"|patch$|backtrace$)",
    re.IGNORECASE,
)
OF_DEVELOPERS = re.compile(
    r"(git|doxygen|sphinx.*|gtest|gmock|googletest|catch2?|benchmark|ccache|latex|clang-?(format|tidy)|cppcheck)$",
    re.IGNORECASE,
)
"""What projects look for to test and to release themselves: it matters where a build ends without it."""
PACKAGES: dict[str, tuple[Kind, str]] = {
    "PkgConfig": ("program", "pkg-config"),
    "BLAS": ("virtual", "interface/blas"),
    "CBLAS": ("virtual", "interface/blas"),
    "LAPACK": ("virtual", "interface/lapack"),
    "LAPACKE": ("virtual", "interface/lapack"),
    "MPI": ("virtual", "interface/mpi"),
    "Boost": ("header", "boost/version.hpp"),
    "CUDA": ("language", "cuda"),
    "CUDAToolkit": ("language", "cuda"),
    "SWIG": ("program", "swig"),
    "BISON": ("program", "bison"),
    "FLEX": ("program", "flex"),
    "Perl": ("program", "perl"),
    "Git": ("program", "git"),
    "Doxygen": ("program", "doxygen"),
    "Corrosion": ("language", "rust"),
    "Rust": ("language", "rust"),
    "Curses": ("pkg-config", "ncurses"),
}
X11_PARTS = {name: name.lower() for name in "Xau Xcomposite Xcursor Xdamage Xdmcp Xext Xfixes Xft Xi".split()} | {
    **{name: name.lower() for name in "Xinerama Xmu Xpm Xpresent Xrandr Xrender Xt Xtst Xv Xxf86vm".split()},
    "Xshape": "xext",
    "Xss": "xscrnsaver",
    "Xscreensaver": "xscrnsaver",
    "xkbfile": "xkbfile",
    "Xkb": "x11",
    "ICE": "ice",
    "SM": "sm",
}
"""What FindX11 looks for besides X11 itself, with its modules of pkg-config."""
RUN_ANYWAY = re.compile(
    r"(python[\d.]*|cython|f2py|cmake|ninja|make|git|s?ccache|distcc|doxygen|gcc|g\+\+|cc|ld(\.\w+)?|ar|strip|objcopy|sh|sed"
    r"|awk|grep|cat|echo|clang-(format|tidy)(-[\d.]+)?|cppcheck|sphinx-build|valgrind|gcov|lcov|genhtml|iwyu"
    r"|include-what-you-use|cp|mv|ln|rm|mkdir|touch|chmod|test|true|tar|g?zip|unzip|patch|ba?sh|env|xargs|find|sort|head|tail"
    r"|date|uname|whoami|ldconfig|id|nproc|which|cmp|diff|nm|ranlib|readelf|strings|install(_name_tool)?|codesign|brew|xcrun"
    r"|lipo|otool|powershell|cmd|cargo|rustc|go|nvcc|ctest|pytest|pip3?|uv)$"
)
OF_WINDOWS = frozenset(
    "ws2_32 wsock32 iphlpapi advapi32 user32 gdi32 shell32 ole32 oleaut32 psapi bcrypt crypt32 rpcrt4".split()
)
LINK_WORDS = frozenset(
    "PUBLIC PRIVATE INTERFACE LINK_PUBLIC LINK_PRIVATE LINK_INTERFACE_LIBRARIES debug optimized general TRUE".split()
)
_OF_PARTS = re.compile(r"(?:Qt|KF)[56]")
_COMPONENT = re.compile(r"[A-Z]\w*[a-z]\w*")
_NOT_NAMES = frozenset(
    "HINTS PATHS PATH_SUFFIXES DOC REQUIRED NO_DEFAULT_PATH NO_CACHE ENV VALIDATOR NO_PACKAGE_ROOT_PATH NO_CMAKE_PATH"
    " NO_CMAKE_ENVIRONMENT_PATH NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH NO_CMAKE_FIND_ROOT_PATH NAMES_PER_DIR"
    " CMAKE_FIND_ROOT_PATH_BOTH ONLY_CMAKE_FIND_ROOT_PATH REGISTRY_VIEW".split()
)
PKG_CONFIG_WORDS = frozenset("REQUIRED QUIET GLOBAL IMPORTED_TARGET NO_CMAKE_PATH NO_CMAKE_ENVIRONMENT_PATH".split())


def names_of(words: list[str]) -> list[str]:
    """Return the names that a find_ command looks for: those before the first keyword."""
    names: list[str] = []
    for word in words[1:_MAX_ITEMS]:
        if word in _NOT_NAMES:
            break
        if word != "NAMES":
            names.append(word)
    return names if "NAMES" in words else names[:1]


def components_of(name: str, words: list[str]) -> list[str]:
    """Return the packages that components of Qt and KDE are, each with files of its own: "Qt5Svg"."""
    if not _OF_PARTS.fullmatch(name):
        return []
    return [f"{name}{word}" for word in _listed(words) if _COMPONENT.fullmatch(word)]


def _listed(words: list[str]) -> list[str]:
    """Return the components that have to be there, and further keywords: they may stand after REQUIRED alone."""
    start = next((words.index(word) + 1 for word in ("COMPONENTS", "REQUIRED") if word in words), len(words))
    return list(itertools.takewhile(lambda word: word != "OPTIONAL_COMPONENTS", words[start:]))[:_MAX_ITEMS]


def boost_libraries(words: list[str]) -> list[str]:
    """Return the libraries of Boost's components; some are headers only."""
    headers = ("headers", "disable_autolinking", "dynamic_linking")
    named = [word for word in _listed(words) if word.islower() and word not in headers]
    return [f"boost_{word.rstrip('0123456789')}" for word in named if not word.startswith("unit_test")]
