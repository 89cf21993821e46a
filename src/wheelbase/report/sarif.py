"""What concerns an application's code, as SARIF for code scanning.

Source: Static Analysis Results Interchange Format (SARIF) 2.1.0, OASIS.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from typing import Any
from urllib.parse import quote

from wheelbase import __version__
from wheelbase.probes.application import Place
from wheelbase.probes.table import KnownHazard
from wheelbase.recipes.probe import Probes

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"high": "error", "medium": "warning", "low": "note"}


def probes_sarif(probes: Probes) -> str:
    """Return a log with a result for each place in the application's own files, of hazards that an image has.

    What is sure has its hazard's level, what may be is a note. Nothing is said of hazards that no image has.
    """
    rules: list[KnownHazard] = []
    results: list[dict[str, Any]] = []
    for number, (hazard, relevance) in enumerate(zip(probes.hazards, probes.relevance or (), strict=False)):
        bitten = [image.image for image in probes.images if image.results[number].verdict == "bites"]
        places = [place for place in relevance.places if place.line and not place.package]
        if bitten and places:
            rules.append(hazard)
            results += [_result(hazard, len(rules) - 1, place, bitten, probes.app) for place in places]
    driver = {
        "name": "wheelbase",
        "semanticVersion": __version__,
        "rules": [_rule(hazard) for hazard in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The folder that the probe was run in"}}},
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(hazard: KnownHazard) -> dict[str, Any]:
    return {
        "id": hazard.id,
        "shortDescription": {"text": hazard.title},
        "fullDescription": {"text": f"{hazard.title}. It bites {hazard.bites}."},
        "help": {"text": f"Cure: {hazard.cure}."},
        "defaultConfiguration": {"level": _LEVELS[hazard.severity]},
    }


def _result(hazard: KnownHazard, rule: int, place: Place, images: list[str], app: str) -> dict[str, Any]:
    on = ", ".join(images)
    message = f"{place.what}. {hazard.title} on {on}{'' if place.sure else ', if it comes to that'}."
    # Lines move; what is written there is what stays the same.
    same = hashlib.sha256(f"{hazard.id}\0{place.file}\0{place.what}".encode()).hexdigest()
    return {
        "ruleId": hazard.id,
        "ruleIndex": rule,
        "level": _LEVELS[hazard.severity] if place.sure else "note",
        "message": {"text": message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(posixpath.join(app, place.file)), "uriBaseId": "SRCROOT"},
                    "region": {"startLine": place.line},
                }
            }
        ],
        "partialFingerprints": {"place/v1": same},
    }
