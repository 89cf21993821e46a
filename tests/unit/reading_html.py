"""Reports, read as a browser reads them: what stands where, and what elements there are."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset("meta link br wbr".split())


class Read(HTMLParser):
    """A page. `shape` are its elements with the names of their attributes, `text` all that can be read in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shape: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.raw: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[tuple[str, dict[str, str]]] = []
        self._text: list[str] = []
        self._caption = ""
        self.feed(page)
        self.close()
        self.text = "".join(self._text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":  # where a name may be broken
            self.shape.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "caption":
            self._caption = ""
        elif tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        elif tag in ("td", "th"):
            self.tables[self._caption][-1].append("")
        if tag not in _VOID:
            self._open.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"{opened} is closed by {tag}"

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if tag == "script" and attributes.get("type") == "application/json":
            self.raw[attributes["id"]] = self.raw.get(attributes["id"], "") + data
            return
        if tag not in ("script", "style"):
            self._text.append(data)
        inside = {name for name, _ in self._open}
        if tag == "caption":
            self._caption += data
        elif inside & {"td", "th"} and "small" not in inside:
            self.tables[self._caption][-1][-1] += data

    def data(self, name: str) -> Any:
        """Return the data that the page holds."""
        return json.loads(self.raw[f"{name}-json"])

    def rows(self, caption: str) -> list[list[str]]:
        """Return the rows of a table without its head; what is set small is left out."""
        return self.tables[caption][1:]
