"""Tables as values, which one macro writes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A heading; a column of numbers is set to the right."""

    title: str
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A text, and what is set small below it. `tone` is `good`, `warn`, `bad` or nothing."""

    text: str
    below: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; the first one of each names the row. `strong` are the numbers of the rows that stand out."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    strong: frozenset[int] = frozenset()


def table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell | str]], *, strong: Sequence[int] = ()
) -> Table | None:
    """Return a table, None without rows; a heading that begins with `>` is of numbers."""
    if not rows:
        return None
    return Table(
        caption=caption,
        columns=tuple(Column(title=head.removeprefix(">"), number=head.startswith(">")) for head in heads),
        rows=tuple(tuple(cell if isinstance(cell, Cell) else Cell(text=cell) for cell in row) for row in rows),
        strong=frozenset(strong),
    )
