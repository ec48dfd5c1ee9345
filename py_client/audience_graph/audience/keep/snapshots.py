"""Snapshots: who was in a revision of an audience when it was evaluated, frozen, with scores, release and model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import NotFoundError
from audience_graph.vectors.packing import framed
from audience_graph.vectors.store import Transaction

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

_SELECT = """
SELECT s.id, s.revision_id, a.id AS audience_id, a.name, r.number, s.release_id, s.relation_version, s.week, s.model,
       s.as_of, s.size, s.score_at_cut, s.questions, s.counts, s.seconds, s.content_hash, s.made_by, s.made_at
FROM audience_snapshot s JOIN audience_revision r ON r.id = s.revision_id JOIN audience a ON a.id = r.audience_id
"""
_MEMBER = np.dtype(
    [("fields", ">i2")]
    + [(f"{name}{part}", kind if part == "" else ">i4")
       for name, kind in (("key", ">i8"), ("place", ">i4"), ("score", ">f8"), ("question", ">i2"))
       for part in ("_size", "")]
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Users of a snapshot in their order, best first: keys (n,), scores (n,), NaN where nothing ranked them, and
    `questions` (n,), which ranking gave the score, -1 for none.
    """

    keys: Keys
    scores: Floats
    questions: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen audience. `questions` is what explains its scores, `counts` how many each step left (exact: inside)."""

    id: int
    revision_id: int
    audience_id: int
    name: str
    number: int
    release_id: int | None
    relation_version: str | None
    week: str | None
    model: str | None
    as_of: date | None
    size: int
    score_at_cut: float | None
    questions: list[dict[str, Any]]
    counts: dict[str, Any]
    seconds: float
    content_hash: str
    made_by: str
    made_at: datetime

    @property
    def source(self) -> dict[str, Any]:
        """What an answer says of the release that the members come from."""
        return {"release": self.release_id, "version": self.relation_version, "week": self.week}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a snapshot says of itself, before it is written."""

    revision_id: int
    made_by: str
    seconds: float
    content_hash: str
    source: Mapping[str, Any] = field(default_factory=dict)  # release, version, week
    model: str | None = None
    as_of: date | None = None
    score_at_cut: float | None = None
    questions: Sequence[Mapping[str, Any]] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)


def write_snapshot(tx: Transaction, draft: Draft, members: Members) -> int:
    """Write a snapshot and all its members in this transaction and return its number."""
    row = tx.rows(
        "INSERT INTO audience_snapshot (revision_id, release_id, relation_version, week, model, as_of, size, "
        "score_at_cut, questions, counts, seconds, content_hash, made_by) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, %s) RETURNING id",
        (
            draft.revision_id,
            draft.source.get("release"),
            draft.source.get("version"),
            draft.source.get("week"),
            draft.model,
            draft.as_of,
            len(members),
            draft.score_at_cut,
            json.dumps(list(draft.questions), ensure_ascii=False),
            json.dumps(dict(draft.counts), ensure_ascii=False),
            draft.seconds,
            draft.content_hash,
            draft.made_by,
        ),
    )[0]
    number = int(row["id"])
    columns = ("key", "place", "score", "question")
    tx.execute("CREATE TEMP TABLE IF NOT EXISTS new_member "
               "(key bigint, place integer, score double precision, question smallint) ON COMMIT DROP")  # fmt: skip
    tx.copy_blocks("new_member", columns, framed([_packed(members)]))
    tx.execute(
        "INSERT INTO audience_member (snapshot_id, key, place, score, question) "
        "SELECT %s, key, place, nullif(score, 'NaN'), nullif(question, -1) FROM new_member",
        (number,),
    )
    tx.execute("DROP TABLE new_member")
    return number


def read_snapshot(tx: Transaction, number: int) -> Snapshot:
    """Return a snapshot by its number. Raises NotFoundError."""
    found = tx.rows(f"{_SELECT} WHERE s.id = %s", (number,))
    if not found:
        raise NotFoundError(f"no snapshot {number}", hint="`audience-graph audience list` names them")
    return Snapshot(**found[0])


def snapshots_of(tx: Transaction, name: str) -> list[Snapshot]:
    """Return the snapshots of an audience, newest first."""
    return [Snapshot(**row) for row in tx.rows(f"{_SELECT} WHERE a.name = %s ORDER BY s.id DESC", (name,))]


def newest_snapshot(tx: Transaction, name: str) -> Snapshot:
    """Return the newest snapshot of an audience. Raises NotFoundError where there is none."""
    found = tx.rows(f"{_SELECT} WHERE a.name = %s ORDER BY s.id DESC LIMIT 1", (name,))
    if not found:
        raise NotFoundError(f"no snapshot of an audience {name!r}", hint="`audience-graph audience snapshot NAME`")
    return Snapshot(**found[0])


def read_members(tx: Transaction, number: int) -> Members:
    """Return the members of a snapshot, best first."""
    keys, places, scores, questions = tx.columns(
        "SELECT key, place, coalesce(score, 'NaN') AS score, coalesce(question, -1)::smallint AS question "
        "FROM audience_member WHERE snapshot_id = %s",
        {"key": "i8", "place": "i4", "score": "f8", "question": "i2"},
        (number,),
    )
    order = np.argsort(places, kind="stable")
    return Members(keys[order], scores[order], questions[order])


def _packed(members: Members) -> bytes:
    rows = np.zeros(len(members), _MEMBER)
    rows["fields"] = 4
    for name, size in (("key", 8), ("place", 4), ("score", 8), ("question", 2)):
        rows[f"{name}_size"] = size
    rows["key"], rows["place"] = members.keys, np.arange(1, len(members) + 1)
    rows["score"], rows["question"] = members.scores, members.questions
    return rows.tobytes()
