"""What an erasure did: where things were removed, which numbers stay, what a person has to see to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.erase.trace import Trace


@dataclass(frozen=True, slots=True)
class Exported:
    """A file or an address outside that a user was sent to: nothing of ours reaches it."""

    export: int
    destination: str
    format: str
    made_at: str


@dataclass(frozen=True, slots=True, repr=False)
class Erasure(Answer):
    """`removed`: rows by table or file; `orphans`: rows that keep a number which names nobody.

    `known` of the `users` were in Postgres. `exports` a person has to delete. `learned` names runs and prompts that
    were made with the users and keep what they learned. `traces` is empty when the proof found nothing.
    """

    release: int | None
    version: str | None
    week: str | None
    users: int
    known: int
    removed: Mapping[str, int]
    orphans: Mapping[str, int]
    exports: tuple[Exported, ...]
    learned: tuple[str, ...]
    running: tuple[str, ...]
    rotating: tuple[str, ...]
    traces: tuple[Trace, ...]
    columns: int
    files: int
    seconds: float

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        rows = [("removed", place, count) for place, count in self.removed.items()]
        rows += [("kept as a number", place, count) for place, count in self.orphans.items() if count]
        rows += [("trace", f"{t.store}: {t.place} ({t.what})", 1) for t in self.traces]
        kinds, places, counts = zip(*rows, strict=True) if rows else ((), (), ())
        return {"what": kinds, "where": places, "rows": counts}

    def _title(self) -> str:
        who = f"{self.users:,} user{'' if self.users == 1 else 's'}"
        return f"{who} erased, {self.known:,} of them known; traces: {len(self.traces)}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What an erasure cannot do, in words: each line is for a person."""
        found = [
            f"delete by hand: {e.destination} ({e.format}, export {e.export} of {e.made_at[:10]})" for e in self.exports
        ]
        if self.running:
            found.append(f"not finished, and may still hold them: {', '.join(self.running)}; erase again afterwards")
        if self.learned:
            found.append(f"models trained before keep what they learned, retrain: {', '.join(self.learned)}")
        return (*found, *(f"not looked into: {log}" for log in self.rotating))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON. No id is among them."""
        return {**asdict(self), "notes": list(self.notes)}
