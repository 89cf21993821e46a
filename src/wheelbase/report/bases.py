"""What `wheelbase bases --refresh` has read, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheelbase.recipes.bases import Refreshed
from wheelbase.report.json import bases_json
from wheelbase.report.units import count, megabytes


def refreshed_text(refreshed: Refreshed) -> RenderableType:
    """Return the rows, and what could not be read."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for title in ("Base", "Arch", "C library", "Python", "pip"):
        table.add_column(title, no_wrap=title == "C library", overflow="fold")
    for title in ("Image\nMB", "Pulled\nMB"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in refreshed.rows:
        python = row.python or (f"{row.system_python.version} ({row.package_manager})" if row.system_python else "none")
        sizes = megabytes(row.uncompressed_bytes), megabytes(row.compressed_bytes)
        table.add_row(row.image, row.arch, f"{row.libc} {row.libc_version}", python, row.pip or "none", *sizes)
    kept = Text(f"{count(len(refreshed.rows), 'row')} in {refreshed.path}", style="dim", overflow="fold")
    parts: list[RenderableType] = [table, kept]
    if refreshed.failed:
        parts += ["", Text("What is known of these is as old as before:", style="bold")]
    for one in refreshed.failed:
        said = f"- {one.image}{f' ({one.arch})' if one.arch else ''}: {one.reason}"
        parts.append(Padding(Text(said, style="yellow", overflow="fold"), (0, 0, 0, 1)))
    hints = dict.fromkeys(one.hint for one in refreshed.failed if one.hint)
    return Group(*parts, *(Text(f"hint: {hint}", style="cyan") for hint in hints))


def refreshed_json(refreshed: Refreshed) -> str:
    """Return `wheelbase.bases/1` of the rows, with what could not be read and the file that has the rows."""
    content = json.loads(bases_json(refreshed.rows))
    content |= {"failed": [asdict(one) for one in refreshed.failed], "path": refreshed.path}
    return json.dumps(content, indent=2, ensure_ascii=False)
