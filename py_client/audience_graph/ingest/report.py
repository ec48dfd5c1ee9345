"""What a load did, and how it tells its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# progress(done, total): bytes of the input file that have been read and checked.
Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class MentionCounts:
    """What a tagger found in the new events: mentions, those that mean an entity, those that none fits."""

    found: int
    linked: int
    proposed: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Rows of one file. read = written + unchanged + rejected + erased.

    `written` are new or changed, `unchanged` were already stored (or repeat a row of the file under the same id),
    `rejected` went to the reject file, `erased` are of users who were erased: they stay out. `notes` are things worth
    knowing that are no errors. After a dry run `written` counts what would have been written. `batch` is the new file
    of the warehouse, if any. `mentions` is there when a tagger was used.
    """

    what: str
    file: str
    read: int
    written: int
    unchanged: int
    rejected: int
    seconds: float
    notes: tuple[str, ...] = ()
    batch: Path | None = None
    dry_run: bool = False
    mentions: MentionCounts | None = None
    erased: int = 0

    @property
    def rate(self) -> float:
        """Rows read in a second."""
        return self.read / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "rate": round(self.rate), "batch": str(self.batch) if self.batch is not None else None}
