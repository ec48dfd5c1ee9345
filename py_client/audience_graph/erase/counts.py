"""Keep what counts users true when some are erased: reach of entities, users of releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audience_graph.vectors.store import Transaction, identifier
from audience_graph.vectors.window import Window

_SPACES = """
SELECT space, as_of, days FROM space WHERE kind = 'preference' AND as_of IS NOT NULL
AND to_regclass('entity_vector_' || space) IS NOT NULL ORDER BY space
"""
_REACH = """
UPDATE {table} e SET reach = greatest(0, e.reach - n.users) FROM (
    SELECT entity_id, count(DISTINCT u.key) AS users FROM user_event u CROSS JOIN LATERAL unnest(u.entity_ids) AS entity_id
    WHERE u.key = ANY(%(keys)s) AND u.time >= %(start)s AND u.time < %(end)s GROUP BY entity_id
) n WHERE e.entity_id = n.entity_id
"""  # noqa: E501
# Vectors of a space are kept for its latest release.
_RELEASE = """
UPDATE release SET users = users - %(gone)s WHERE id = (
    SELECT max(id) FROM release WHERE preference_space = %(space)s AND status <> 'retired'
)
"""


def lower_reach(tx: Transaction, keys: Sequence[int]) -> None:
    """Take users out of the reach of the entities they met, in every preference space; before their events go."""
    for row in tx.rows(_SPACES) if keys else ():
        window = Window(row["as_of"], row["days"])
        table = identifier(f"entity_vector_{row['space']}")
        tx.execute(_REACH.format(table=table), {"keys": list(keys), "start": window.start, "end": window.end})


def lower_releases(tx: Transaction, deleted: Mapping[str, int]) -> None:
    """Take users whose vectors were deleted (rows by table) out of the counts of the releases that read them."""
    for table, gone in deleted.items():
        if gone and table.startswith("user_vector_"):
            tx.execute(_RELEASE, {"gone": gone, "space": table.removeprefix("user_vector_")})
