"""What `ag.explain(user, audience)` answers: in or out and why, and how each ranking came to the user's score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from audience_graph.answer import Answer, cell_text
from audience_graph.audience.explain import Explanation
from audience_graph.audience.near_events import Nearness
from audience_graph.audience.pick import Picked

_ROUNDING = 1e-5  # a smaller share of the score is no row
Status = Literal["in", "out", "unknown user"]
_COLUMNS = (
    "ranking", "side", "part_of", "share", "part", "phrase", "path", "entity", "mentions", "similarity", "last_event",
    "channel", "text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How one ranking of the audience places the user.

    `score` and the `cut` that it is held against; `taken`: at or above it. `place` among `ranked` users, rounded, None
    under 100. By `method` "graph" the parts of `graph` add up to the score; by "sentence" it is the cosine of
    `sentence`; by "both" `graph_share + sentence_share` is the score, and `graph` and `sentence` explain the two scores
    that were ranked. `picked` are the entities that were asked for, with their paths. `note` says what cannot be told.
    """

    ranking: str
    method: str
    score: float
    cut: float | None
    taken: bool
    place: int | None
    ranked: int | None
    picked: tuple[Picked, ...]
    graph: Explanation | None = None
    sentence: Nearness | None = None
    graph_share: float | None = None
    sentence_share: float | None = None
    note: str = ""

    @property
    def below_cut(self) -> float | None:
        """By how much the score misses the cut; None for who is taken."""
        return None if self.taken or self.cut is None else self.cut - self.score


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class AudienceExplanation(Answer):
    """Why a user is in an audience, or is not. `because` says it in sentences, one for each step of the definition.

    `reason` is the one that decides for who is out. `standings`: how each ranking of the audience that ranks the user
    came to their score. `sendable`: whether suppression, consent and holdout let them be sent for the purpose that was
    asked about; None where none was. `snapshot` is the number of the one that was explained.
    """

    _MOST: ClassVar[int] = 20
    user_id: str
    audience: str
    status: Status
    because: tuple[str, ...]
    reason: str | None = None
    standings: tuple[Standing, ...] = ()
    sendable: bool | None = None
    snapshot: int | None = None
    release: int | None = None
    version: str | None = None
    week: str | None = None

    @property
    def score(self) -> float | None:
        """The score of the first ranking that takes the user, else of the first that ranks them."""
        found = [*(s.score for s in self.standings if s.taken), *(s.score for s in self.standings)]
        return found[0] if found else None

    def to_json(self) -> dict[str, Any]:
        """Return all but the rows as plain values."""
        told = ("ranking", "method", "score", "cut", "taken", "below_cut", "place", "ranked", "graph_share",
                "sentence_share", "note")  # fmt: skip
        standings = [
            {name: getattr(s, name) for name in told}
            | {"picked": [{"id": p.id, "name": p.name, "phrase": p.phrase, "path": list(p.path)} for p in s.picked]}
            | {"rounding": None if s.graph is None else s.graph.rounding}
            for s in self.standings
        ]
        names = ("user_id", "audience", "status", "reason", "because", "score", "sendable", "snapshot")
        return {name: getattr(self, name) for name in names} | {"standings": standings}

    def _title(self) -> str:
        user = cell_text(self.user_id)
        if self.status == "unknown user":
            return f"user {user}: unknown. {self.because[0]}"
        head = f"user {user} is {'in' if self.status == 'in' else 'not in'} {self.audience}"
        lines = [f"  {cell_text(line)}" for line in self.because]
        notes = [f"  {s.ranking}: {s.note}" for s in self.standings if s.note]
        return "\n".join([head, *lines, *notes])

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        rows = [row for standing in self.standings for row in _rows(standing)]
        used = {name for row in rows for name, value in row.items() if value is not None}
        if len(self.standings) < 2:
            used -= {"ranking"}
        return {name: [row.get(name) for row in rows] for name in _COLUMNS if name in used}


def _rows(standing: Standing) -> Iterator[dict[str, Any]]:
    both = standing.graph_share is not None
    for side, part in (("graph", standing.graph_share), ("sentence", standing.sentence_share)):
        if part is not None:
            share = part / standing.score if standing.score else None
            yield {"ranking": standing.ranking, "side": side, "part_of": "score", "share": share, "part": part}
    for reason in () if standing.graph is None else standing.graph.reasons:
        time, channel, text = reason.events[0] if reason.events else (None, None, None)
        yield {
            "ranking": standing.ranking,
            "side": "graph",
            "part_of": "graph score" if both else "score",
            "share": reason.share,
            "part": reason.part,
            "phrase": reason.phrase,
            "path": list(reason.path_names),
            "entity": reason.name,
            "mentions": reason.mentions,
            "last_event": time,
            "channel": channel,
            "text": text,
        }
    if standing.graph is not None and standing.graph.score:
        share = standing.graph.rounding / standing.graph.score
        if abs(share) > _ROUNDING:
            yield {"ranking": standing.ranking, "side": "graph", "part_of": "graph score" if both else "score",
                   "share": share, "part": standing.graph.rounding, "entity": "(rounding)"}  # fmt: skip
    for event in () if standing.sentence is None else standing.sentence.events:
        yield {
            "ranking": standing.ranking,
            "side": "sentence",
            "similarity": event.similarity,
            "last_event": event.time,
            "channel": event.channel,
            "text": event.text,
        }
