"""Which engine runs an image, and the image opened in it. Runs programs, reads images, writes temporary folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, get_args

from wheelbase.engines import bubblewrap, commandline
from wheelbase.engines.commandline import EngineContainer
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Container
from wheelbase.oci.image import read_image
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform

EngineName = Literal["bubblewrap", "docker", "podman"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
Opens = Callable[[], AbstractContextManager[Source]]
_DAEMON = "docker-daemon:"


def choose_engine(name: EngineName | None) -> EngineName:
    """Return the engine of a name, or the first that works here; EngineError says what each one lacks."""
    lacking = []
    for one in (name,) if name else ENGINES:
        lacks = bubblewrap.lacks() if one == "bubblewrap" else commandline.lacks(one)
        if lacks is None:
            return one
        lacking.append(lacks)
    raise EngineError(
        f"nothing can run an image here: {'; '.join(lacking)}",
        hint="install bubblewrap (on Debian: apt-get install bubblewrap), which needs neither a daemon nor root",
    )


@contextmanager
def opened(engine: EngineName, image: str, platform: Platform | None, opens: Opens) -> Iterator[Container]:
    """Open an image in an engine, `opens` being what reads it; docker and podman have to know it by its name."""
    if engine == "bubblewrap":
        with opens() as source, bubblewrap.opened(source, read_image(source, platform)) as container:
            yield container
        return
    name = image.removeprefix(_DAEMON).removeprefix("docker://")
    if name.partition(":")[0] in ("oci", "oci-archive", "docker-archive", "deb"):
        raise EngineError(
            f"{engine} does not run {image}, only images that it has or can pull",
            hint="use --engine bubblewrap, or load the image",
        )
    yield EngineContainer(engine=engine, image=name)
