"""Typed matches of a phrase, and the rule that says when one of them is the clear winner.

1. An id wins at once: it is how a person says which of several entities is meant.
2. Else a name equal to the phrase (NFKC, casefolded); else an alias. Several: ambiguous.
3. Else full text: only hits that hold every word of the phrase count. One such hit wins, and so does the only one
   with the very same words (`women's (football` and `women's football`). Several otherwise: ambiguous. Lucene's
   score orders the choices and decides nothing: it depends on how many aliases an entity has.
4. Else meaning: the nearest entity wins at a cosine of at least 0.75 and 0.05 above the next. Nearest ones at 0.5
   or more without such a winner: ambiguous. Below: not found, with the nearest names as a hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from audience_graph.answer import Answer
from audience_graph.entities.phrase import coverage, fold
from audience_graph.errors import AmbiguousError

Matched = Literal["id", "name", "alias", "text", "meaning"]
MEANING_WINS = 0.75
MEANING_LEAD = 0.05
MEANING_COUNTS = 0.5
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Match:
    """One entity that a phrase may mean. `score`: 1 for id, name and alias; Lucene's for text; cosine for meaning.

    `coverage`: how much of the entity's name the phrase says, 1 = the same words (see `phrase.coverage`). A `sensitive`
    entity is shown here, and asked for with a reason only.
    """

    phrase: str
    id: str
    name: str
    type: str
    matched: Matched
    score: float
    coverage: float = 1.0
    sensitive: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.type}, id {self.id})"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one phrase means: the clear winner, or None when `choices` holds several as good."""

    phrase: str
    match: Match | None
    choices: tuple[Match, ...]

    def require(self) -> Match:
        """Return the winner. Raises AmbiguousError, naming the choices, when there is none."""
        if self.match is not None:
            return self.match
        shown = "; ".join(str(choice) for choice in self.choices[:_SHOWN])
        more = len(self.choices) - _SHOWN
        raise AmbiguousError(
            f"{self.phrase!r} may mean {len(self.choices)} entities: {shown}{f'; and {more} more' if more > 0 else ''}",
            choices=[choice.id for choice in self.choices],
            phrase=self.phrase,
            hint="use the id of the one that you mean, or several ids",
        )


@dataclass(frozen=True, slots=True, repr=False)
class Resolution(Answer):
    """What each phrase means, with the other choices. `mirror` is the release that Neo4j shows as current."""

    resolved: tuple[Resolved, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None
    mirror: int | None = field(default=None, compare=False)

    @property
    def ambiguous(self) -> tuple[Resolved, ...]:
        """The phrases without a clear winner."""
        return tuple(r for r in self.resolved if r.match is None)

    def require(self) -> tuple[Match, ...]:
        """Return one match per phrase, each entity once. Raises AmbiguousError for the first unclear phrase."""
        matches = [r.require() for r in self.resolved]
        return tuple({m.id: m for m in reversed(matches)}[i] for i in dict.fromkeys(m.id for m in matches))

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the entities that are meant. Raises AmbiguousError for the first unclear phrase."""
        return tuple(m.id for m in self.require())

    def _title(self) -> str:
        unclear = len(self.ambiguous)
        return f"{len(self.resolved)} phrase{'s' if len(self.resolved) != 1 else ''}" + (
            f", {unclear} ambiguous: choose by id" if unclear else " resolved"
        )

    def _columns(self) -> dict[str, Sequence[Any]]:
        rows = [(r, m) for r in self.resolved for m in r.choices]
        return {
            "phrase": [r.phrase for r, _ in rows],
            "chosen": [m == r.match for r, m in rows],
            "id": [m.id for _, m in rows],
            "name": [m.name for _, m in rows],
            "type": [m.type for _, m in rows],
            "matched": [m.matched for _, m in rows],
            "score": [m.score for _, m in rows],
            "sensitive": [m.sensitive for _, m in rows],
        }


def match_exactly(phrase: str, rows: Sequence[dict[str, Any]]) -> Resolved | None:
    """Decide on rows of `resolve_exact`: id, else name, else alias; None when nothing is equal."""
    key = fold(phrase)
    by: dict[Matched, list[Match]] = {"id": [], "name": [], "alias": []}
    for row in rows:
        names = {fold(row["name"])}
        how: Matched = "id" if row["id"] == phrase.strip() else "name" if key in names else "alias"
        by[how].append(Match(phrase, row["id"], row["name"], row["type"], how, 1.0, sensitive=row["sensitive"]))
    ordered = tuple(m for group in by.values() for m in sorted(group, key=lambda m: m.id))
    best = by["id"] or by["name"] or by["alias"]
    if not best:
        return None
    if len(best) == 1:
        return Resolved(phrase, best[0], ordered)
    return Resolved(phrase, None, tuple(sorted(best, key=lambda m: m.id)))


def match_text(phrase: str, rows: Sequence[dict[str, Any]]) -> tuple[Match, ...]:
    """Return the full-text hits as matches, those that hold every word of the phrase first."""
    found = []
    for row in rows:
        held = coverage(phrase, row["name"], *(row.get("aliases") or ()))
        entity = (row["id"], row["name"], row["type"])
        found.append(Match(phrase, *entity, "text", float(row["score"]), held, row["sensitive"]))
    return tuple(sorted(found, key=lambda m: (m.coverage == 0, m.coverage < 1, -m.score, m.id)))


def decide_text(phrase: str, hits: Sequence[Match]) -> Resolved | None:
    """Decide on full-text hits; None when none of them holds every word of the phrase."""
    whole = tuple(m for m in hits if m.coverage > 0)
    if not whole:
        return None
    clear = len(whole) == 1 or sum(m.coverage == 1 for m in whole) == 1
    return Resolved(phrase, whole[0] if clear else None, whole)


def decide_meaning(phrase: str, near: Sequence[Match]) -> Resolved | None:
    """Decide on the entities nearest in meaning, best first; None when none is near enough to count."""
    counted = tuple(m for m in near if m.score >= MEANING_COUNTS)
    if not counted:
        return None
    lead = counted[0].score - counted[1].score if len(counted) > 1 else 1.0
    clear = counted[0].score >= MEANING_WINS and lead >= MEANING_LEAD
    return Resolved(phrase, counted[0] if clear else None, counted)
