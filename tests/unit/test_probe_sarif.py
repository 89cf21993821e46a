"""What code scanning is told: of places in the application, as SARIF 2.1.0 wants it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.test_probe_report import CONCERNING, HAZARDS, PLACE, probed

from wheelbase.cli.probe import command
from wheelbase.errors import RequirementsError
from wheelbase.probes.application import Relevance
from wheelbase.recipes.probe import Probes
from wheelbase.report.sarif import probes_sarif


def run_of(probes: Probes) -> dict[str, Any]:
    log = json.loads(probes_sarif(probes))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert physical["region"]["startLine"] >= 1
    assert isinstance(run, dict)
    return run


def test_a_place_is_a_result() -> None:
    unsure = replace(PLACE, file="app/a b.py", sure=False)
    relevance = (Relevance(verdict="bites here", places=(PLACE, unsure)), *CONCERNING.relevance[1:])  # type: ignore[index]
    first, second = run_of(replace(CONCERNING, relevance=relevance, app="web"))["results"]
    assert (first["ruleId"], first["level"]) == ("strftime", "error")
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "web/app/main.py"
    assert first["message"]["text"].startswith("strftime with %P. A directive of strftime costs the whole text on ")
    assert second["level"] == "note"
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "web/app/a%20b.py"
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_what_no_image_has_and_what_is_not_in_the_application_is_no_result() -> None:
    places = (replace(PLACE, package="fastapi"), replace(PLACE, line=0))
    relevance = tuple(Relevance(verdict="bites here", places=places) for _ in HAZARDS)
    assert run_of(replace(CONCERNING, relevance=relevance))["results"] == []
    here = tuple(Relevance(verdict="bites here", places=(PLACE,)) for _ in HAZARDS)
    fine = replace(CONCERNING, images=(probed("a", "fine", "fine", "unknown"),), relevance=here)
    assert run_of(fine)["tool"]["driver"]["rules"] == []


def test_it_needs_an_application() -> None:
    with pytest.raises(RequirementsError, match="no application"):
        command.main(["oci:nowhere", "--format", "sarif"], standalone_mode=False)
