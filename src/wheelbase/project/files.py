"""Text, TOML and JSON files, checked for their form at the border. Reads files."""

import codecs
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wheelbase.errors import RequirementsError

_MAX_BYTES = 64_000_000
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_Shape = TypeVar("_Shape")


def read_text(path: Path) -> str:
    """Return a file's text: UTF-8, or what its byte order mark says (PowerShell writes UTF-16, and pip reads it)."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise RequirementsError(
            f"{path} does not exist", hint="check the path; -r and -c inside a file start from that file's folder"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise RequirementsError(
            f"{path} cannot be read: {getattr(error, 'strerror', error)}", hint="check the path and its permissions"
        ) from error
    if len(raw) > _MAX_BYTES:
        raise RequirementsError(
            f"{path} is larger than {_MAX_BYTES // 1_000_000} MB", hint="check that it is the file that was meant"
        )
    try:
        text = raw.decode(next((encoding for mark, encoding in _MARKS if raw.startswith(mark)), "utf-8"))
    except UnicodeDecodeError as error:
        raise RequirementsError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    if "\0" in text:
        raise RequirementsError(f"{path} is not text: it holds NUL bytes", hint="save it as UTF-8")
    return text


def load_toml(path: Path, shape: type[_Shape]) -> _Shape:
    """Return a TOML file as a value of the shape given; an error says where the file departs from it."""
    return _load(path, tomllib.loads, "TOML", shape)


def load_json(path: Path, shape: type[_Shape]) -> _Shape:
    """Return a JSON file as a value of the shape given; an error says where the file departs from it."""
    return _load(path, json.loads, "JSON", shape)


def _load(path: Path, parse: Callable[[str], Any], language: str, shape: type[_Shape]) -> _Shape:
    text = read_text(path)
    try:
        data = parse(text)
    except (ValueError, RecursionError) as error:
        raise RequirementsError(
            f"{path} is not valid {language}: {error}", hint="mend the file there, or write it again with its tool"
        ) from error
    return shaped(data, shape, str(path))


def shaped(data: Any, shape: type[_Shape], where: str) -> _Shape:
    """Return parsed data as a value of the shape given."""
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        said = str(error).replace(" - at `$.", " at `").replace(" - at `$", " at the top `").replace(" | null`", "`")
        raise RequirementsError(
            f"{where} has not the form that is expected: {said}", hint="mend the file there, or write it with its tool"
        ) from error
