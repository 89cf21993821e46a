"""What a Python application costs on each container base image, before anything is built.

from wheelbase import compare
comparison = compare(["matplotlib", "pandas"], python="3.13")
for base in comparison.bases:
    print(base.base, base.verdict, base.image_bytes)

`explain`, `sysdeps`, `inspect` and `build` answer as the commands of these names do.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wheelbase.recipes.build import build
    from wheelbase.recipes.compare import compare
    from wheelbase.recipes.explain import explain
    from wheelbase.recipes.inspect import inspect
    from wheelbase.recipes.sysdeps import sysdeps

__all__ = ["__version__", "build", "compare", "explain", "inspect", "sysdeps"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the recipes when they are first asked for: `wheelbase --help` needs none of them."""
    if name in ("build", "compare", "explain", "inspect", "sysdeps"):
        from importlib import import_module

        return getattr(import_module(f"wheelbase.recipes.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
