"""Exports, arms and suppression as people see them: no number about fewer than 100 users, all others rounded to 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.disclosure import MINIMUM_SIZE, shown
from audience_graph.audience.send.holdout import Holdout
from audience_graph.audience.send.records import ExportRecord

_UNDER = f"under {MINIMUM_SIZE}"
_STEPS = {
    "in_snapshot": "in the snapshot",
    "gone": "erased since",
    "suppressed": "suppressed",
    "no_consent": "without consent",
    "no_contact": "without contact",
    "held_out": "held out",
    "passed": "may be sent",
    "added": "to send here",
    "withdrawn": "withdrawn meanwhile",
    "sent": "sent",
    "removed": "removed",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Export(Answer):
    """One export: how many members each step left out, and how many were sent. None: under 100, or not known yet.

    Steps are in order: a suppressed user is not counted as one without consent too. `sent` and `removed` are those of
    this export, in an append or a delta the changes alone. `status` is `started`, `done` or `failed` (given up);
    `chunks_sent` of `chunks` were acknowledged by a webhook. `compared_with` is the export that an append or a delta
    adds to, None for the first one there.
    """

    id: int
    audience: str
    snapshot: int
    to: str
    format: str
    mode: str
    purpose: str
    status: str
    counts: tuple[tuple[str, int | None], ...]
    compared_with: int | None
    chunks: int
    chunks_sent: int
    made_by: str
    made_at: datetime
    note: str = ""
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def count(self, step: str) -> int | None:
        """Return the users of a step as they may be shown, such as `sent` or `no_consent`."""
        return dict(self.counts)[step]

    def _title(self) -> str:
        after = "" if self.mode == "replace" else " after " + _named(self.compared_with)
        done = f"chunk {self.chunks_sent} of {self.chunks}, " if self.format == "webhook" else ""
        title = (
            f"export {self.id} of audience {self.audience!r} (snapshot {self.snapshot}) to {self.to}: "
            f"{done}{self.status}; mode {self.mode}{after}; purpose {self.purpose}"
        )
        return title + (f"\n{self.note}" if self.note else "")

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {"step": [step for step, _ in self.counts], "users": [n for _, n in self.counts]}

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        return {
            "step": [_STEPS[step] for step, _ in self.counts],
            "users": [_UNDER if n is None else f"{n:,}" for _, n in self.counts],
        }


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ExportList(Answer):
    """The exports of an audience, newest first; `release`, `version` and `week` are those of the newest."""

    audience: str
    exports: tuple[Export, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        return f"{len(self.exports):,} export{'s' if len(self.exports) != 1 else ''} of audience {self.audience!r}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        found = self.exports
        names = ("id", "status", "mode", "purpose", "snapshot", "release", "to", "made_by", "made_at")
        cells: dict[str, Sequence[Any]] = {name: [getattr(one, name) for one in found] for name in names}
        return cells | {"sent": [dict(one.counts).get("sent") for one in found]}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Split(Answer):
    """The arms of an audience and their shares; none where everybody is sent."""

    audience: str
    arms: tuple[tuple[str, float], ...]
    made_by: str | None = None
    made_at: datetime | None = None
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        if not self.arms:
            return f"audience {self.audience!r}: everybody is sent, nobody is held out"
        return f"arms of audience {self.audience!r}, set by {self.made_by}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {"arm": [name for name, _ in self.arms], "share": [share for _, share in self.arms]}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Suppressed(Answer):
    """Suppressed users by reason, None for a reason of fewer than 100. `given` ids were named in a change."""

    users: int | None
    reasons: tuple[tuple[str, int | None], ...]
    given: int | None = None
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        changed = "" if self.given is None else f"{self.given:,} ids given; "
        return f"{changed}suppressed users: {_UNDER if self.users is None else f'{self.users:,}'}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {"reason": [reason for reason, _ in self.reasons], "users": [n for _, n in self.reasons]}

    def _shown(self) -> Mapping[str, Sequence[Any]]:
        return {
            "reason": [reason for reason, _ in self.reasons],
            "users": [_UNDER if n is None else f"{n:,}" for _, n in self.reasons],
        }


def show_export(export: ExportRecord, chunks_sent: int, note: str = "") -> Export:
    """Return an export with its numbers as they may be shown; those of steps that it did not reach are left out."""
    counts = tuple((step, shown(export.counts[step])) for step in _STEPS if step in export.counts)
    return Export(
        id=export.id,
        audience=export.audience,
        snapshot=export.snapshot_id,
        to=export.destination,
        format=export.format,
        mode=export.mode,
        purpose=export.purpose,
        status=export.status,
        counts=counts,
        compared_with=export.options["compared_with"],
        chunks=len(export.ranges),
        chunks_sent=chunks_sent,
        made_by=export.made_by,
        made_at=export.made_at,
        note=note,
        release=export.release,
        version=export.version,
        week=export.week,
    )


def show_split(audience: str, holdout: Holdout | None) -> Split:
    """Return the arms of an audience."""
    if holdout is None:
        return Split(audience, ())
    return Split(audience, holdout.arms.shares, holdout.made_by, holdout.made_at)


def show_suppressed(reasons: Sequence[tuple[str, int]], given: int | None = None) -> Suppressed:
    """Return suppression by reason."""
    return Suppressed(shown(sum(n for _, n in reasons)), tuple((reason, shown(n)) for reason, n in reasons), given)


def _named(compared_with: int | None) -> str:
    return "nothing: the first one there" if compared_with is None else f"export {compared_with}"
