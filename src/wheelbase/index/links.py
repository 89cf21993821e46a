"""The links of an index's HTML page. Pure; apart from the rest as its parser takes a while to import."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from wheelbase.index.simple import LinkedFile


class Links(HTMLParser):
    """The links of an HTML page, with the attributes of PEP 503 and PEP 592."""

    def __init__(self, url: str) -> None:
        """Begin with the page's own address."""
        super().__init__()
        self.base = url
        self.files: list[LinkedFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down an anchor, or the address that links are relative to."""
        given: dict[str, Any] = dict(attrs)
        href = given.get("href")
        if not href or tag not in ("a", "base"):
            return
        try:
            if tag == "base":
                self.base = urljoin(self.base, href)
                return
            path = urlsplit(href).path
        except ValueError:
            return
        self.files.append(
            LinkedFile(
                filename=unquote(path.rpartition("/")[2]),
                url=href,
                requires_python=given.get("data-requires-python") or None,
                yanked="data-yanked" in given,
            )
        )
