"""A report as one HTML file that needs nothing else: no network, no other file. Reads its template."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from wheelbase import __version__
from wheelbase.measuring.values import Measurement
from wheelbase.recipes.knownhazards import KnownHazards
from wheelbase.recipes.probe import Probes
from wheelbase.recipes.values import Comparison
from wheelbase.report.details import footnote, heading, verdict
from wheelbase.report.html.bases import Files, bases
from wheelbase.report.html.compared import compared, predicted_sizes, predicted_times
from wheelbase.report.html.hazards import found_by_probes, known_before
from wheelbase.report.html.measured import measured
from wheelbase.report.json import comparison_json
from wheelbase.report.probe import probes_json

if TYPE_CHECKING:
    from jinja2 import Environment

_PACKAGE = files("wheelbase.report.html")
# Inside of JSON these stand in strings alone, where their codes mean the same; in HTML they could end the element.
_ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def render(
    comparison: Comparison,
    measurement: Measurement | None = None,
    probes: Probes | None = None,
    *,
    known: KnownHazards | None = None,
    dockerfiles: Files = MappingProxyType({}),
    subject: str = "",
    command: str = "",
) -> str:
    """Return the report.

    `known` is what bites on the bases, shown where there are no probes; `dockerfiles` are the files to build with, by
    base and name; `subject` names the application, `command` is what makes the report once more.
    """
    if measurement:
        # What is compared then is a copy, in a folder that is gone.
        comparison = replace(comparison, source=measurement.source)
    script = _text("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    raw = {"compare": comparison_json(comparison)}
    if measurement:
        raw["measure"] = _measurement_json(measurement)
    if probes:
        raw["probe"] = probes_json(probes)
    text = (
        _environment()
        .get_template("report.html")
        .render(
            subject=subject or comparison.source,
            heading=heading(comparison),
            verdict=verdict(comparison),
            table_of_bases=compared(comparison),
            sizes=predicted_sizes(comparison),
            times=predicted_times(comparison),
            measured=measured(measurement, comparison.recommendation.base) if measurement else None,
            bases=bases(comparison, measurement, dockerfiles),
            hazards=found_by_probes(probes) if probes else known_before(known) if known else None,
            notes=comparison.notes,
            footnote=footnote(comparison),
            command=command,
            version=__version__,
            raw={name: _embedded(text) for name, text in raw.items()},
            style=_text("report.css"),
            script=script,
            script_digest=digest,
        )
    )
    # Names of files may hold what no encoding has.
    return text.encode("utf-8", "replace").decode("utf-8")


def _measurement_json(measurement: Measurement) -> str:
    import msgspec

    return json.dumps({"schema": "wheelbase.measure/1", **msgspec.to_builtins(measurement)})


def _embedded(text: str) -> str:
    """Return JSON on one line, with nothing in it that HTML takes for its own."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("wheelbase.report.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _text(name: str) -> str:
    return _PACKAGE.joinpath(name).read_text(encoding="utf-8")
