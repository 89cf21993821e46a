"""What names mean in a Python module, as far as its imports tell. Pure."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`names` are the full names of what is imported, by the name that it has here; `imported` top-level modules.

    `trusts_all` says that the module has a case where TLS trusts every certificate.
    """

    names: Mapping[str, str] = field(hash=False)
    imported: tuple[tuple[str, int], ...]
    trusts_all: bool

    @classmethod
    def of(cls, module: ast.Module) -> Scope:
        """Read all imports of a module, wherever they are written."""
        names, imported = {}, []
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    names[alias.asname or top] = alias.name if alias.asname else top
                    imported.append((top, node.lineno))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                imported.append((node.module.partition(".")[0], node.lineno))
        trusts_all = any(isinstance(node, ast.Attribute) and node.attr == "CERT_NONE" for node in ast.walk(module))
        return cls(names=names, imported=tuple(imported), trusts_all=trusts_all)

    @property
    def modules(self) -> frozenset[str]:
        """The top-level modules that are imported."""
        return frozenset(name for name, _ in self.imported)

    def name_of(self, node: ast.expr) -> str | None:
        """Return the full name of what was imported and is meant, `json.loads` or the like; None of other things."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.names:
            return None
        return ".".join([self.names[node.id], *reversed(parts)])


def text_of(node: ast.expr | None) -> str | None:
    """Return the text that a node is, None where it is none or not known."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
