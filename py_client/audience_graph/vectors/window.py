"""The window of a release, and one user's linked events in it: what the release's preferences are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from audience_graph.vectors.store import Transaction

WINDOW_DAYS = 30  # unless a mining run says otherwise

_EVENTS = """
SELECT e.event_id, e.time, e.channel, e.text, m.entity_id
FROM user_event e CROSS JOIN LATERAL unnest(e.entity_ids) WITH ORDINALITY AS m(entity_id, place)
WHERE e.key = %(key)s AND e.time >= %(start)s AND e.time < %(end)s
ORDER BY e.time, e.event_id, m.place
"""


@dataclass(frozen=True, slots=True)
class Window:
    """Whole days in UTC, the last of them `as_of`: events with start <= time < end."""

    as_of: date
    days: int = WINDOW_DAYS

    @property
    def start(self) -> datetime:
        return datetime.combine(self.as_of - timedelta(days=self.days - 1), time.min, UTC)

    @property
    def end(self) -> datetime:
        return datetime.combine(self.as_of + timedelta(days=1), time.min, UTC)


@dataclass(frozen=True, slots=True)
class Mention:
    """One entity named by one event of a user: one term of eq. 7."""

    event_id: str
    time: datetime
    channel: str
    text: str | None
    entity_id: str


def events_of(tx: Transaction, key: int, window: Window) -> list[Mention]:
    """Return a user's mentions in the window, in time order."""
    return [Mention(**row) for row in tx.rows(_EVENTS, {"key": key, "start": window.start, "end": window.end})]
