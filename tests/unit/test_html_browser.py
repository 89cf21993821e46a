"""The report as a browser shows it: nothing fetched, nothing in the way, all of it said to who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.browser import CHROMIUM, Page, browser
from tests.unit.html_values import MEASUREMENT
from tests.unit.test_html_report import NOTHING, described
from tests.unit.test_probe_report import CONCERNING
from tests.unit.test_report import COMPARISON

from wheelbase.recipes.values import BaseCost, PickedFile
from wheelbase.report.html import render

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
LONG = "registry.example.org/a-team/with-a-long-name/python-of-their-own"


def many() -> str:
    """Return a report of twelve bases with long names and sixty packages."""
    files = tuple(
        PickedFile(
            name=f"a-package-with-quite-a-long-name-{n}",
            version="2026.11.25.post1",
            filename=f"a_package_with_quite_a_long_name_{n}-2026.11.25.post1-cp313-cp313-manylinux_2_28_x86_64.whl",
            kind="wheel",
            bytes=n * 1000,
            installed_bytes=n * 3000,
            reason="the best of 3 wheels that fit, of 60",
        )
        for n in range(60)
    )
    slim, alpine, _ = COMPARISON.bases

    def base(number: int) -> BaseCost:
        like = alpine if number % 3 == 0 else replace(slim, files=files)
        return replace(like, base=f"{LONG}:{number}", image_bytes=(like.image_bytes or 0) + number * 10**7)

    return render(replace(COMPARISON, bases=tuple(base(n) for n in range(12))), subject="an application " * 12)


PAGES: dict[str, Callable[[], str]] = {
    "measured": lambda: render(COMPARISON, MEASUREMENT, CONCERNING, subject="numpy", command="wheelbase compare numpy"),
    "many": many,
    "nothing": lambda: render(NOTHING),
    "hostile": lambda: described("</script><script>document.title = 'no'</script><img src=x onerror=alert(1)>")[0],
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("reports")
    for name, made in PAGES.items():
        (found / f"{name}.html").write_text(made(), encoding="utf-8")
    return found


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_shown_without_a_word_or_a_request(page: Page, folder: Path, name: str, width: int) -> None:
    page.open(folder / f"{name}.html", width=width)
    told = [event for event in page.events if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
    told += [event for event in page.events if event["method"] == "Runtime.consoleAPICalled"]
    assert told == []
    asked = [event["params"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
    assert [one["request"]["url"] for one in asked] == [(folder / f"{name}.html").as_uri()]
    assert page.evaluate("document.title") != "no"


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_page(page: Page, folder: Path, name: str, width: int) -> None:
    page.open(folder / f"{name}.html", width=width)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wider = "[...document.querySelectorAll('.table')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
    assert page.evaluate(wider) == 0


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("name", ["measured", "many"])
def test_labels_stay_in_their_bars_and_on_their_axis(page: Page, folder: Path, name: str, width: int) -> None:
    page.open(folder / f"{name}.html", width=width)
    outside = """[...document.querySelectorAll('.bar .plot text:not(.axis text)')].filter(text => {
        const own = text.getBoundingClientRect();
        if (!own.width || text.closest('.axis')) return false;
        const piece = text.previousElementSibling.getBoundingClientRect();
        return own.left < piece.left || own.right > piece.right;
    }).map(text => text.textContent)"""
    assert page.evaluate(outside) == []
    # Bars begin and end at one place in each chart.
    places = """[...document.querySelectorAll('.chart')].map(chart => new Set([...chart.querySelectorAll('.plot')]
        .map(plot => [plot.getBoundingClientRect().left, plot.getBoundingClientRect().right].join())).size)"""
    assert set(page.evaluate(places)) == {1}


def test_charts_are_told_to_who_cannot_see_them(page: Page, folder: Path) -> None:
    page.open(folder / "measured.html")
    nodes = page("Accessibility.getFullAXTree")["nodes"]
    images = [node for node in nodes if node.get("role", {}).get("value") == "image" and not node["ignored"]]
    names = [node["name"]["value"] for node in images]
    assert len(names) == page.evaluate("document.querySelectorAll('.bar:not(.axis)').length")
    assert (
        "python:3.8-slim, docker, pip: 29.8 s (pull 6.1, resolve 1.4, download 6.3, install 11, application 0.3, "
        "export 3.9, other 0.6)" in names
    )
    assert "python:3.8-slim: 9-22 s" not in names  # its own numbers are in the data: 4-17 s
    assert all(node["description"]["value"].startswith(("Build time", "Image size")) for node in images)


@pytest.mark.parametrize("width", [1100, 390])
def test_tables_stay_tables(page: Page, folder: Path, width: int) -> None:
    page.open(folder / "measured.html", width=width)
    nodes = page("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in nodes if not node["ignored"]]
    shown = "[...document.querySelectorAll('table')].filter(one => one.checkVisibility())"
    assert roles.count("table") == page.evaluate(f"{shown}.length")
    headings = f"{shown}.flatMap(one => [...one.querySelectorAll('th')]).length"
    assert roles.count("columnheader") + roles.count("rowheader") == page.evaluate(headings)


def test_what_is_to_be_copied_can_be(page: Page, folder: Path) -> None:
    page.open(folder / "measured.html")
    clicked = """(async () => {
        const button = document.querySelector('footer button');
        button.click();
        await new Promise(done => setTimeout(done, 200));
        return button.textContent;
    })()"""
    assert page.evaluate(clicked) in ("Copied", "Selected")


def test_day_and_night_differ(page: Page, folder: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page.open(folder / "measured.html")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.open(folder / "measured.html", dark=True)
    assert page.evaluate(background) == "rgb(20, 23, 27)"


def test_it_prints(page: Page, folder: Path) -> None:
    page.open(folder / "many.html", dark=True)
    assert page.pdf().startswith(b"%PDF-")
    page("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    shown = "[...document.querySelectorAll('button, details:not([open])')].filter(one => one.checkVisibility()).length"
    assert page.evaluate(shown) == 0
    # A4 without its margins, in CSS pixels.
    page("Emulation.setDeviceMetricsOverride", width=673, height=1000, deviceScaleFactor=1, mobile=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 673
