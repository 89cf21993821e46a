"""What setuptools is told in files rather than by a script: setup.cfg, and the tables of pyproject.toml."""

import configparser
import re
from collections.abc import Iterator

from wheelbase.source.backend import place_of, pyproject_of
from wheelbase.source.findings import Evidence
from wheelbase.source.python_asked import Linked
from wheelbase.source.python_evidence import evidence_of_request
from wheelbase.source.python_libraries import requests_of_list
from wheelbase.source.python_values import Const
from wheelbase.source.tree import SourceTree

_MAX_SETTINGS = 256 << 10


def find_in_settings(tree: SourceTree) -> Iterator[Evidence]:
    """Yield the libraries that extensions link, and the requirements of setup.py."""
    yield from _of_setup_cfg(tree)
    yield from _of_pyproject(tree)


def _of_setup_cfg(tree: SourceTree) -> Iterator[Evidence]:
    text = tree.text("setup.cfg")
    if ("librar" not in text and "setup_requires" not in text) or len(text) > _MAX_SETTINGS:
        return
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    lines = text.splitlines()
    for section in parser.sections():
        value = parser[section].get("libraries", "") if section == "build_ext" else ""
        for name in re.split(r"[,\s]+", value):
            if name:
                line = next((number for number, line in enumerate(lines, 1) if name in line and "librar" in line), 1)
                where = f"setup.cfg:{line}"
                for request in requests_of_list(Linked(Const(name, where), where, (), 0.9), tree):
                    yield evidence_of_request(request)
    for name in filter(None, map(str.strip, parser.get("options", "setup_requires", fallback="").split("\n"))):
        line = next((number for number, line in enumerate(lines, 1) if name in line), 1)
        yield Evidence(kind="requirement", name=name, where=f"setup.cfg:{line}")


def _of_pyproject(tree: SourceTree) -> Iterator[Evidence]:
    """Yield what `[[tool.setuptools.ext-modules]]` links; note the sources that it compiles."""
    text = tree.text("pyproject.toml")
    if "ext-modules" not in text:
        return
    try:
        modules = pyproject_of(tree)["tool"]["setuptools"]["ext-modules"]
        named = [
            (word, key != "libraries", bool(module.get("optional")))
            for module in modules
            for key in ("libraries", "extra-link-args")
            for word in module.get(key, ())
        ]
        tree.built.update(str(path) for module in modules for path in module.get("sources", ()))
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    lines = text.splitlines()
    for word, flags, optional in named:
        where = place_of(lines, f'"{word}"')
        for request in requests_of_list(Linked(Const(word, where), where, (), 0.9, flags=flags), tree):
            request.probe = optional
            yield evidence_of_request(request)
