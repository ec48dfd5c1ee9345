"""Run the facts of a source, some users at a time, so that memory does not grow with the number of events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from audience_trainers.run import Progress
from audience_trainers.users.columns import Columns, concatenated, fetch
from audience_trainers.users.histories import Histories
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.futures import KEYS, channel_table, cut_table, facts_of
from audience_trainers.users.pairs.windows import Windows
from audience_trainers.users.source import Source

PART_EVENTS = 1_000_000
_CODED = tuple(name for name in KEYS if name != "cut")


def find_facts(
    source: Source,
    histories: Histories,
    windows: Windows,
    *,
    families: FamilyMap,
    phrases: pa.Table | None,
    groups: pa.Table | None,
    progress: Progress,
) -> Columns:
    """Return the facts of all windows (see `facts_of`), those of PART_EVENTS events at a time.

    `phrases` (phrase, entity_id): texts with the entities that they name, `groups` (item, group).
    """
    import ibis

    def find(events: Any) -> Columns:
        expression = facts_of(
            events,
            cut_table(windows),
            channel_table(histories.sources, families),
            phrases=linked,
            tagged=source.mentions,
            groups=grouped,
        )
        return fetch(source.backend, expression, coded=_CODED)

    linked = (
        None if phrases is None or phrases.num_rows == 0 else ibis.memtable(phrases.select(["phrase", "entity_id"]))
    )
    grouped = None if groups is None or groups.num_rows == 0 else ibis.memtable(groups)
    user = source.events.user_id
    bounds = _bounds(histories)
    parts = []
    for low, high in zip(bounds, [*bounds[1:], None], strict=True):
        within = user >= low if high is None else (user >= low) & (user < high)
        parts.append(find(source.events.filter(within) if len(bounds) > 1 else source.events))
        progress("finding facts", len(parts), len(bounds))
    return concatenated(parts)


def _bounds(histories: Histories) -> list[str]:
    """Return the first user of each part, in order; a part holds PART_EVENTS events, or one user with more."""
    parts = -(-len(histories.time) // PART_EVENTS)
    first = np.searchsorted(histories.start, np.arange(parts) * PART_EVENTS)
    return [histories.user_ids[i] for i in np.unique(first[first < len(histories.user_ids)]).tolist()]
