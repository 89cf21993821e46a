"""Comparisons and explanations as JSON, in versioned schemas (docs/reference/json.md)."""

import json
from datetime import date
from typing import Any

from wheelbase.bases.facts import BaseFacts
from wheelbase.recipes.buildneeds import ArchiveNeeds, BuildNeeds
from wheelbase.recipes.buildrequires import Built
from wheelbase.recipes.explain import Explanation
from wheelbase.recipes.hazards import Hazard
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.source.compiletime import Estimate
from wheelbase.source.needs import Need, Needs
from wheelbase.system.packages import Closure


def comparison_json(comparison: Comparison) -> str:
    """Return `wheelbase.compare/1`."""
    return _dumps(
        {
            "schema": "wheelbase.compare/1",
            "source": comparison.source,
            "index": comparison.index,
            "python": comparison.python,
            "arch": comparison.arch,
            "as_of": comparison.as_of,
            "bases": [_base(cost) for cost in comparison.bases],
            "recommendation": {"base": comparison.recommendation.base, "reason": comparison.recommendation.reason},
            "notes": comparison.notes,
            "network": {"requests": comparison.requests, "received_bytes": comparison.received_bytes},
        }
    )


def _base(cost: BaseCost) -> dict[str, Any]:
    bytecode = cost.added_bytecode
    return {
        "base": cost.base,
        "image": cost.facts.exact or cost.facts.image,
        "date": cost.facts.date,
        "libc": f"{cost.facts.libc} {cost.facts.libc_version}",
        "python": cost.python,
        "wheels": cost.wheels,
        "compiles": cost.compiles,
        "missing": [{"name": name, "reason": reason} for name, reason in cost.missing],
        "download_bytes": cost.download_bytes,
        "added_bytes": {
            "files": cost.added_files,
            "bytecode": bytecode.value if bytecode else None,
            "left_by_pip": cost.left_by_pip,
            "bytecode_range": [bytecode.low, bytecode.high] if bytecode else None,
        },
        "base_bytes": cost.facts.uncompressed_bytes,
        "base_compressed_bytes": cost.facts.compressed_bytes,
        "image_bytes": cost.image_bytes,
        "image_compressed_bytes": cost.image_compressed_bytes,
        "image_with_compilers_bytes": cost.image_with_compilers_bytes,
        "compile_cpu_seconds": _estimate(cost.building.cpu_seconds) if cost.building else None,
        "estimated": cost.estimated,
        "build_seconds": {"low": cost.build_seconds.low, "high": cost.build_seconds.high}
        if cost.build_seconds
        else None,
        "system_packages": {"build": cost.build_packages, "run": cost.run_packages},
        "building": _building(cost.building) if cost.building else None,
        "verdict": cost.verdict,
        "hazards": [_hazard(hazard) for hazard in cost.hazards],
        "notes": cost.notes,
        "advice": cost.advice,
        "files": [
            {
                "name": file.name,
                "version": file.version,
                "filename": file.filename,
                "kind": file.kind,
                "bytes": file.bytes,
                "installed_bytes": file.installed_bytes,
                "reason": file.reason,
            }
            for file in cost.files
        ],
    }


def _hazard(hazard: Hazard) -> dict[str, Any]:
    return {
        "kind": hazard.kind,
        "package": hazard.package,
        "lacks": hazard.lacks,
        "why": hazard.why,
        "install": hazard.install,
    }


def explanation_json(explanation: Explanation) -> str:
    """Return `wheelbase.explain/1`."""
    return _dumps(
        {
            "schema": "wheelbase.explain/1",
            "name": explanation.name,
            "version": explanation.version,
            "base": explanation.base,
            "libc": f"{explanation.facts.libc} {explanation.facts.libc_version}",
            "python": explanation.python,
            "pip": explanation.facts.pip,
            "taken": explanation.taken,
            "advice": explanation.advice,
            "hazards": [_hazard(hazard) for hazard in explanation.hazards],
            "building": _building(explanation.building) if explanation.building else None,
            "candidates": [
                {
                    "filename": one.filename,
                    "version": one.version,
                    "kind": one.kind,
                    "bytes": one.bytes,
                    "taken": one.taken,
                    "reason": one.reason,
                }
                for one in explanation.candidates
            ],
        }
    )


def sysdeps_json(answer: SystemNeeds) -> str:
    """Return `wheelbase.sysdeps/1`: what all archives need together, then each of them."""
    return _dumps(
        {
            "schema": "wheelbase.sysdeps/1",
            "base": answer.base,
            **_building(answer.building),
        }
    )


def _building(building: BuildNeeds) -> dict[str, Any]:
    return {
        "package_manager": building.system.manager,
        "names_of": building.system.release,
        **_needs(building.needs, building.cpu_seconds),
        "build_stage": _closure(building.build),
        "run_stage": _closure(building.run),
        "advised": [need.package for need in building.advised],
        "compiled_first": [_built(built) for built in building.first],
        "archives": [_archive(one) for one in building.archives],
        "notes": building.system.notes,
    }


def _archive(one: ArchiveNeeds) -> dict[str, Any]:
    return {
        "name": one.archive.name,
        "version": one.archive.version,
        "source": one.archive.source,
        "backend": one.archive.findings.backend,
        "build_requires": one.archive.findings.build_requires,
        **_needs(one.needs, one.cpu_seconds),
        "compiled_first": [_built(built) for built in one.first],
    }


def _built(built: Built) -> dict[str, Any]:
    return {
        "name": built.name,
        "version": built.version,
        "needed_by": built.needed_by,
        "cpu_seconds": _estimate(built.cpu_seconds),
    }


def _needs(needs: Needs, seconds: Estimate) -> dict[str, Any]:
    groups = {"build": needs.build, "optional": needs.optional, "tools": needs.tools, "run": needs.run}
    return {
        **{group: [_need(need) for need in listed] for group, listed in groups.items()},
        "missing": needs.missing,
        "flags": [{"kind": flag.kind, "text": str(flag), "where": flag.where} for flag in needs.flags],
        "status": needs.status,
        "cpu_seconds": _estimate(seconds),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "package": need.package,
        "pkg_config": need.pkg_config,
        "confidence": need.confidence,
        "evidence": need.evidence,
        **({"lost": need.lost} if need.lost else {}),
    }


def _estimate(seconds: Estimate) -> dict[str, float]:
    return {"low": round(seconds.low, 1), "value": round(seconds.value, 1), "high": round(seconds.high, 1)}


def _closure(closure: Closure) -> dict[str, Any]:
    return {
        "download_bytes": closure.download_bytes,
        "installed_bytes": closure.installed_bytes,
        "missing": closure.missing,
        "packages": [
            {"package": one.name, "version": one.version, "installed_bytes": one.installed_bytes}
            for one in closure.packages
        ],
    }


def bases_json(rows: tuple[BaseFacts, ...]) -> str:
    """Return `wheelbase.bases/1`: every field of the catalogue's rows."""
    import msgspec

    keys = [field for field in BaseFacts.__dataclass_fields__ if field not in ("later", "userland")]
    listed = [{key: msgspec.to_builtins(getattr(row, key)) for key in keys} for row in rows]
    return _dumps({"schema": "wheelbase.bases/1", "bases": listed})


def _dumps(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value))
