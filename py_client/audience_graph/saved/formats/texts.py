"""Put values and other names in the place of parameters, where a tool has no way to ask for them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from audience_graph.graph.queries import STRINGS
from audience_graph.saved.definition import SavedQuery

_PARAMETER = re.compile(rf"(?P<kept>{STRINGS.pattern})|\$(?P<name>[A-Za-z_]\w*)", STRINGS.flags)


def with_parameters(text: str, told: Mapping[str, str]) -> str:
    """Return a query with each `$name` that `told` names replaced; texts, names in backticks and comments stay."""

    def put(match: re.Match[str]) -> str:
        name = match["name"]
        return match[0] if name is None or name not in told else told[name]

    return _PARAMETER.sub(put, text)


def literal(value: Any) -> str:
    """Return a default as Cypher has it: numbers, true, false, and texts in quotes with their escapes."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(literal(one) for one in value)}]"
    return json.dumps(value)


def defaults_of(saved: SavedQuery) -> dict[str, str]:
    """Return the parameters that have a default, each as a literal."""
    return {p.name: literal(p.default) for p in saved.parameters if p.default is not None}


def body_of(text: str) -> str:
    """Return a query without its header."""
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if not line.startswith("//")), len(lines))
    return "\n".join(lines[start:]).strip()
