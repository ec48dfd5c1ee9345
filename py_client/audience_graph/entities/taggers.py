"""Entity taggers: what the client asks of one, and how the one that a checkpoint belongs to is found.

A tagger comes from another package, through the entry point group `audience_graph.taggers`: a function from the
folder of a checkpoint to a tagger. `tagger.json` of the folder says which one made it (`kind`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol, cast

from audience_graph.errors import ConfigError, RunError

ENTRY_POINTS = "audience_graph.taggers"
_HEAD = "tagger.json"


@dataclass(frozen=True, slots=True)
class Mention:
    """A part of a text that names something: text[start:end], in characters, and the tagger's type for it."""

    type: str
    start: int
    end: int
    text: str


class Tagger(Protocol):
    """Finds mentions. `name` tells one trained tagger from another."""

    name: str

    def tag(self, texts: Sequence[str]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each text, from left to right, without overlap."""


def open_tagger(folder: Path) -> Tagger:
    """Open the tagger of a checkpoint folder.

    Raises RunError when the folder is no finished tagger, ConfigError when nothing installed can open its kind.
    """
    try:
        kind = str(json.loads((folder / _HEAD).read_text(encoding="utf-8"))["kind"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RunError(
            f"{folder} is no finished tagger: {_HEAD} is missing or damaged",
            hint="name the folder that `audience-graph train tagger DATA --out FOLDER` wrote",
        ) from exc
    found = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if kind not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigError(f"{folder} needs a tagger of kind {kind!r}", hint=f"kinds that are installed: {known}")
    try:
        opened = found[kind].load()
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] in {"audience_graph", "audience_trainers"}:
            raise  # not an extra that is missing: our own fault
        hint = "install it: pip install 'audience-graph[train]'"
        raise ConfigError(f"the tagger needs the Python package {exc.name}", hint=hint) from exc
    return cast("Tagger", opened(folder))
