"""Which wheels share a layer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wheelbase.oci.digest import Digest
from wheelbase.oci.image import Layer
from wheelbase.oci.manifest import Descriptor
from wheelbase.recipes.grouping import grouped
from wheelbase.wheels.layer import WheelLayer


def wheel(name: str, size: int) -> WheelLayer:
    digest = Digest.of(name.encode())
    layer = Layer(descriptor=Descriptor(media_type="x", digest=digest, size=size), diff_id=digest)
    return WheelLayer(package=name, version="1", layer=layer, tar_bytes=3 * size, reused=False)


wheels = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=4), st.integers(0, 1 << 28), max_size=80).map(
    lambda sizes: [wheel(name, size) for name, size in sizes.items()]
)


@given(wheels, st.integers(1, 60), st.randoms())
def test_every_wheel_is_in_one_layer_and_no_order_matters(
    made: list[WheelLayer], budget: int, chance: st.DataObject
) -> None:
    groups = grouped(made, budget)
    assert len(groups) <= budget
    assert sorted(one.package for group in groups for one in group) == sorted(one.package for one in made)
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert grouped(shuffled, budget) == groups


def test_a_small_wheel_more_changes_one_shared_layer() -> None:
    made = [wheel(f"small{number}", 1000) for number in range(80)] + [wheel("large", 1 << 24)]
    before = set(grouped(made, 40))
    after = set(grouped([*made, wheel("another", 1000)], 40))
    assert len(after - before) == 1
