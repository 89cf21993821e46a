"""What pip leaves of its own bytecode, by Python."""

import pytest

from wheelbase.wheels.pip_bytecode import left_by_pip


@pytest.mark.parametrize("minor", range(6, 17))
def test_every_python_has_a_plausible_figure(minor: int) -> None:
    size, compressed = left_by_pip((3, minor))
    assert 3_000_000 < compressed * 2 < size < 12_000_000


def test_the_nearest_measured_python_stands_in() -> None:
    assert left_by_pip((3, 14)) == left_by_pip((3, 13))
    assert left_by_pip((3, 7)) == left_by_pip((3, 8))
