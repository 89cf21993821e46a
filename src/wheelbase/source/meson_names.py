"""What the names of Meson's dependencies and programs mean on a system. Pure."""

import re
from typing import Any

from wheelbase.source.meson_values import flat
from wheelbase.system.names import Kind

LANGUAGES = {"cpp": "c++", "objc": "c", "objcpp": "c++"} | {
    name: name for name in ("c", "cython", "fortran", "rust", "cuda")
}
HAD_ANYWAY = re.compile(
    r"(threads|[oO]pen[mM][pP]|dl|iconv|intl|atomic|python[\d.]*(-embed)?|py3|numpy|pybind11|nanobind|scipy-openblas.*|)$"
)
"""Dependencies that Python, its packages or the compiler bring."""

RUN_ANYWAY = re.compile(
    r"(python[\d.]*|cython3?|f2py3?|pythran|meson|ninja|sh|env|cat|cp|mv|ln|rm|mkdir|touch|true|echo|sed|awk|grep|test)$"
)
_BLAS = re.compile(r"(openblas\w*|blas|cblas|mkl.*|flexiblas\w*|blis|atlas|netlib)$", re.IGNORECASE)
_PKG_CONFIG = {
    "curses": "ncurses",
    "gl": "gl",
    "pcap": "libpcap",
    "scalapack": "scalapack-openmpi",
    "appleframeworks": "",
    "accelerate": "",
}
_QT = frozenset(("qt4", "qt5", "qt6"))
OF_MODULES = _QT | {"boost"}
"""Dependencies of which all modules that are named are meant, not one of them."""
_BOOST_HEADERS = frozenset(("system", "headers", "unit_test_framework"))
"""Modules of Boost that nothing is linked for but tests."""


def meaning_of(named: list[str], keywords: dict[str, Any], *, chosen: bool) -> tuple[Kind, list[str]]:
    """Return what a `dependency()` of these names looks for. `chosen` is whether an option chooses the BLAS."""
    name, modules = named[0], flat([keywords.get("modules") or []])
    if name.lower() in ("lapack", "lapacke") or (chosen and "lapack" in modules):
        return "virtual", ["interface/lapack"]
    if _BLAS.match(name) and (chosen or name.lower() != "openblas"):
        return "virtual", ["interface/blas"]
    if name == "mpi":
        return "virtual", ["interface/mpi"]
    if name == "boost":
        parts = [f"boost_{part}" for part in modules if isinstance(part, str) and part not in _BOOST_HEADERS]
        return ("library", parts) if parts else ("header", ["boost/version.hpp"])
    if name == "cuda":
        return "language", ["cuda"]
    if name == "wxwidgets":
        return "program", ["wx-config"]
    if name in ("jni", "jdk"):
        return "program", ["javac"]
    if name == "llvm" or keywords.get("method") == "config-tool":
        return "program", [f"{name}-config"]
    if name in _QT:
        parts = [module for module in modules if isinstance(module, str)] or ["Core"]
        return "pkg-config", [f"Qt{name[2:]}{part}" for part in parts]
    if keywords.get("method") == "cmake":
        return "cmake", named
    if name == "netcdf" and keywords.get("language") == "fortran":
        return "pkg-config", ["netcdf-fortran"]
    return "pkg-config", [_PKG_CONFIG.get(name, name), *named[1:]]
