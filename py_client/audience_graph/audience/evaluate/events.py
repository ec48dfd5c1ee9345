"""Filters over events, and which users have events for which entities: index scans of the kept events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from audience_graph.audience.define.definition import Event
from audience_graph.audience.evaluate.keysets import Mask, Universe, fetch_keys
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.window import Window

_WITH = """
SELECT key FROM user_event
WHERE entity_ids && %(ids)s::text[] AND time >= %(start)s AND time < %(end)s
  AND (%(channels)s::text[] IS NULL OR channel = ANY (%(channels)s::text[]))
GROUP BY key HAVING count(*) >= %(least)s
"""
_OF_USER = """
SELECT count(*) AS events FROM user_event
WHERE key = %(key)s AND entity_ids && %(ids)s::text[] AND time >= %(start)s AND time < %(end)s
  AND (%(channels)s::text[] IS NULL OR channel = ANY (%(channels)s::text[]))
"""
_PER_ENTITY = """
SELECT e.key, n.place - 1 AS place FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS n(id, place)
JOIN user_event e ON e.entity_ids @> ARRAY[n.id] AND e.time >= %(start)s AND e.time < %(end)s
"""


def event_mask(tx: Transaction, universe: Universe, event: Event, ids: Sequence[str], window: Window) -> Mask:
    """Return the users with enough events for any of the entities `ids`.

    Raises ConfigError for more days than are kept, or a channel that no event has.
    """
    parameters = {**_parameters(event, ids, window), "least": event.at_least}
    mask = universe.of_keys(fetch_keys(tx, _WITH, parameters))
    if event.channels and not mask.any():
        _refuse_channels(tx, event.channels)
    return mask


def count_events(tx: Transaction, key: int, event: Event, ids: Sequence[str], window: Window) -> int:
    """Return how many events that a filter counts one user has."""
    return int(tx.rows(_OF_USER, {**_parameters(event, ids, window), "key": key})[0]["events"])


def entity_masks(tx: Transaction, universe: Universe, ids: Sequence[str], window: Window) -> list[Mask]:
    """Return, for each entity, the users with an event for it in the window."""
    parameters = {"ids": list(ids), "start": window.start, "end": window.end}
    keys, places = tx.columns(_PER_ENTITY, {"key": "i8", "place": "i8"}, parameters)
    order = np.argsort(places, kind="stable")
    edges = np.searchsorted(places[order], np.arange(len(ids) + 1))
    return [universe.of_keys(keys[order[edges[i] : edges[i + 1]]]) for i in range(len(ids))]


def _parameters(event: Event, ids: Sequence[str], window: Window) -> dict[str, Any]:
    return {
        "ids": list(ids),
        "start": _start(window, event.days),
        "end": window.end,
        "channels": list(event.channels) or None,
    }


def _start(window: Window, days: int | None) -> datetime:
    if days is None or days == window.days:
        return window.start
    if days > window.days:
        raise ConfigError(
            f"events of the last {days} days are asked for, but {window.days} are kept",
            hint="mine with a longer window (--set days=...), or ask for fewer days",
        )
    return window.end - timedelta(days=days)


def _refuse_channels(tx: Transaction, channels: Sequence[str]) -> None:
    known = [row["channel"] for row in tx.rows("SELECT DISTINCT channel FROM user_event ORDER BY channel")]
    strange = [c for c in channels if c not in known]
    if strange:
        raise ConfigError(f"no event has the channel {strange[0]!r}", hint=f"channels: {', '.join(known)}")
