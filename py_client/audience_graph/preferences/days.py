"""The day that a run is for when nobody names one: the last day with an event, never a day to come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb

from audience_graph.errors import RunError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_day(files: Sequence[Path], *, today: date | None = None) -> date:
    """Return the UTC day of the latest event, up to today, in Parquet files with a column `time`.

    Events stamped after today are left out. Raises RunError when no other event is there.
    """
    if not files:
        raise RunError("no events are loaded", hint="load some: audience-graph load events FILE")
    now = datetime.now(UTC).date() if today is None else today
    end = (datetime.combine(now, time.min, UTC) - _EPOCH) // timedelta(microseconds=1) + 86_400_000_000
    query = "SELECT epoch_us(max(time) FILTER (epoch_us(time) < ?)) FROM read_parquet(?)"
    try:
        with duckdb.connect() as connection:
            row = connection.execute(query, [end, [str(path) for path in files]]).fetchone()
    except duckdb.Error as exc:
        raise RunError(f"the times of the events are not readable: {exc}") from exc
    if row is None or row[0] is None:
        raise RunError(f"no event is from {now} or before", hint="check the clock, and the times of the events")
    return (_EPOCH + timedelta(microseconds=row[0])).date()
