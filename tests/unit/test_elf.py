"""What libraries need: read out of real bytes and made-up ones; broken ones say nothing."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.small_elf import library

from wheelbase.wheels.elf import Dynamic, read_dynamic

LIBRARY = library(["libGL.so.1", "libc.so.6"], "libcase.so.2")


@pytest.mark.parametrize("base", [0, 0x400000])
def test_needs_and_name(base: int) -> None:
    found = read_dynamic(library(["libGL.so.1", "libc.so.6", "libGL.so.1"], "libcase.so.2", base=base))
    assert found == Dynamic(needed=("libGL.so.1", "libc.so.6"), name="libcase.so.2")


def test_the_interpreter_that_runs_this() -> None:
    """The module of ctypes is a file of its own in most builds, and needs the C library."""
    import _ctypes

    path = getattr(_ctypes, "__file__", None) or sys.executable
    found = read_dynamic(Path(path).read_bytes())
    assert found
    assert any(name.startswith("libc.") for name in found.needed)


def test_what_is_no_library_says_nothing() -> None:
    wide_order = LIBRARY[:5] + b"\2" + LIBRARY[6:]
    for content in (
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n",
        LIBRARY[:60],
        wide_order,
        LIBRARY.replace(b"\x02\0\0\0", b"\7\0\0\0"),
    ):
        assert read_dynamic(content) is None


def test_more_than_any_real_library_says_is_nothing() -> None:
    assert read_dynamic(library([f"lib{number}.so" for number in range(600)])) is None
    assert read_dynamic(library(["lib" + "x" * 300 + ".so"])) is None
    many = bytearray(LIBRARY)
    struct.pack_into("<H", many, 56, 60_000)
    assert read_dynamic(bytes(many)) is None


@pytest.mark.parametrize("name", ["lib\nx.so", "lib\x1b[2J.so", "libé.so"])
def test_names_are_printed_and_must_be_plain(name: str) -> None:
    assert read_dynamic(library([name])) is None


@settings(max_examples=300)
@given(st.integers(0, len(LIBRARY) - 8), st.one_of(st.binary(min_size=1, max_size=8), st.just(b"\xff" * 8)))
def test_no_damage_raises(place: int, damage: bytes) -> None:
    found = read_dynamic(LIBRARY[:place] + damage + LIBRARY[place + len(damage) :])
    assert found is None or all(isinstance(name, str) for name in found.needed)
