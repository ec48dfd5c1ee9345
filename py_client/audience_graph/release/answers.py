"""The list of releases as an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.release.records import Release


@dataclass(frozen=True, slots=True, repr=False)
class Releases(Answer):
    """All releases, newest first. `release`, `version` and `week` are those of the current one."""

    releases: tuple[Release, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{len(self.releases):,} release{'s' if len(self.releases) != 1 else ''}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        found = self.releases
        return {
            "id": [r.id for r in found],
            "status": [r.status for r in found],
            "week": [r.week for r in found],
            "version": [r.version for r in found],
            "preference_as_of": [r.preference_as_of for r in found],
            "preference_days": [r.preference_days for r in found],
            "relations": [r.counts.get("relations") for r in found],
            "users": [r.counts.get("users") for r in found],
            "published_at": [r.published_at for r in found],
        }
