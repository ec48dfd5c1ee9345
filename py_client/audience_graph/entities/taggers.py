"""Entity taggers: what the client asks of one, and how the one that a checkpoint belongs to is found.

A tagger comes from another package, through the entry point group `audience_graph.taggers`: a function from the
folder of a checkpoint to a tagger. `tagger.json` of the folder says which one made it (`kind`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from audience_graph.errors import RunError
from audience_graph.plugins import load_plugin

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
    return cast("Tagger", load_plugin(ENTRY_POINTS, kind, what="tagger")(folder))
