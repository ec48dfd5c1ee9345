"""Groups of items by the words that their names share, for events that say no category: `t-light holder`, `lunch bag`.

A marketer asks for lunch bags, a receipt says LUNCH BAG RED SPOTTY. Where nothing else says what kind of thing an item
is, descriptions speak of such groups too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa

from audience_graph.sentences.wording import clean
from audience_trainers.users.source import Source

SCHEMA = pa.schema([("item", pa.string()), ("group", pa.string())])
LEAST_ITEMS = 5  # that share the words of a group
MOST_SHARE = 0.1  # of all items
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*")
_EMPTY = frozenset(["a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without"])


def item_groups(source: Source) -> pa.Table:
    """Return (item, group) for the items of events without a category and without entities besides these items."""
    bare = bare_events(source.events)
    listed = bare.select(item=bare["items"].unnest()).distinct().order_by("item")
    items = source.backend.to_pyarrow(listed).column("item").to_pylist()
    return _table(items, [clean(source.names.get(item, item)) or "" for item in items])


def bare_events(events: Any) -> Any:
    """Return the events with items of which nothing else says what kind of things they are."""
    import ibis

    others = ibis.coalesce(events.entity_ids.filter(lambda entity: ~events["items"].contains(entity)).length(), 0)
    return events.filter((events["items"].length() > 0) & events.category.nullif("").isnull() & (others == 0))


def shared_words(names: Sequence[str]) -> list[list[str]]:
    """Return the groups of each name: words, and two words in a row, that LEAST_ITEMS names share and not too many."""
    found = [sorted(set(_runs(name))) for name in names]
    count = Counter(group for groups in found for group in groups)
    most = MOST_SHARE * len(names)
    kept = {group for group, times in count.items() if LEAST_ITEMS <= times <= most}
    return [[group for group in groups if group in kept] for groups in found]


def _runs(name: str) -> Iterable[str]:
    words = _WORD.findall(name.lower())
    for word in words:
        if len(word) > 2 and word not in _EMPTY:
            yield word
    for first, second in pairwise(words):
        if first not in _EMPTY and second not in _EMPTY:
            yield f"{first} {second}"


def _table(items: Sequence[str], names: Sequence[str]) -> pa.Table:
    rows = [(item, group) for item, groups in zip(items, shared_words(names), strict=True) for group in groups]
    return pa.table({"item": [item for item, _ in rows], "group": [group for _, group in rows]}, schema=SCHEMA)
