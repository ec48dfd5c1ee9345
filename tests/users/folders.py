"""Write folders in the input contract, row by row, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

DAY_ZERO = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = pa.schema(
    [
        ("event_id", pa.string()),
        ("user_id", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("channel", pa.string()),
        ("text", pa.string()),
        ("entity_ids", pa.list_(pa.string())),
        ("items", pa.list_(pa.string())),
        ("merchant", pa.string()),
        ("category", pa.string()),
        ("amount", pa.float64()),
        ("status", pa.string()),
        ("payment_channel", pa.string()),
    ]
)
_ENTITIES = pa.schema(
    [("id", pa.string()), ("name", pa.string()), ("type", pa.string()), ("aliases", pa.list_(pa.string()))]
)


def day(number: float) -> datetime:
    """Return the moment so many days after DAY_ZERO."""
    return DAY_ZERO + timedelta(days=number)


def seconds(number: float) -> int:
    """Return `day(number)` in seconds since 1970."""
    return int(day(number).timestamp())


def event(user: str, at: float, channel: str = "visit", **columns: Any) -> dict[str, Any]:
    """Return a row of events, `at` days after DAY_ZERO."""
    return {"user_id": user, "time": day(at), "channel": channel, **columns}


def write_folder(
    folder: Path,
    events: Sequence[Mapping[str, Any]],
    *,
    users: Sequence[Mapping[str, Any]] = (),
    entities: Mapping[str, str] | None = None,
) -> Path:
    """Write events (numbered where they have no id), users and entities (id -> name)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"event_id": f"e{i:06d}", **row} for i, row in enumerate(events)]
    pq.write_table(pa.Table.from_pylist(rows, EVENTS), folder / "events.parquet")
    if users:
        pq.write_table(pa.Table.from_pylist([dict(row) for row in users]), folder / "users.parquet")
    if entities is not None:
        named = [{"id": id_, "name": name, "type": "t", "aliases": []} for id_, name in entities.items()]
        pq.write_table(pa.Table.from_pylist(named, _ENTITIES), folder / "entities.parquet")
    return folder
