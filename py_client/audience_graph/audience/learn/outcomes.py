"""What came of an export, as exact counts that stay inside: by arm, by picked entity, by entity that events touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.learn.exported import ARM_OF, IN_EXPORT, Export, PickedIn, picked_of, space_of
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.vectors.store import Row, Transaction, identifier
from audience_graph.vectors.topk import PLAN
from audience_graph.vectors.window import Window

_BY_USER = f"""
SELECT {ARM_OF} AS arm, count(*) AS users, count(*) FILTER (WHERE r.exposures > 0) AS exposures,
       count(*) FILTER (WHERE r.conversions > 0) AS conversions
FROM export_member m LEFT JOIN result_user r ON r.export_id = m.export_id AND r.key = m.key
WHERE {IN_EXPORT} GROUP BY 1
"""
_BY_ARM = "SELECT arm, users, exposures, conversions FROM result_arm WHERE export_id = %(export)s"
_OUTCOME = f"""
WITH picked AS MATERIALIZED (
    SELECT p.id, p.weight, v.vector FROM unnest(%(ids)s::text[], %(weights)s::float8[]) AS p(id, weight)
    JOIN {{entities}} v ON v.entity_id = p.id),
outcome AS (
    SELECT m.key, coalesce(r.exposures, 0) > 0 AS exposed, coalesce(r.conversions, 0) > 0 AS converted
    FROM export_member m LEFT JOIN result_user r ON r.export_id = m.export_id AND r.key = m.key
    WHERE {IN_EXPORT} AND m.sent)
"""
_LEADING = f"""
{_OUTCOME}
SELECT led.id, count(*) AS users, count(*) FILTER (WHERE o.exposed) AS exposures,
       count(*) FILTER (WHERE o.converted) AS conversions
FROM outcome o JOIN {{users}} u USING (key) CROSS JOIN LATERAL (
    SELECT p.id FROM picked p ORDER BY p.weight * (u.vector <#> p.vector), p.id LIMIT 1) led
GROUP BY 1 ORDER BY 1
"""
_TOUCHED = f"""
{_OUTCOME},
touched AS (
    SELECT t.id, count(*) AS users, count(*) FILTER (WHERE exposed) AS exposures,
           count(*) FILTER (WHERE converted) AS conversions
    FROM (SELECT DISTINCT o.key, o.exposed, o.converted, e.id FROM outcome o JOIN user_event ev USING (key)
          CROSS JOIN LATERAL unnest(ev.entity_ids) AS e(id)
          WHERE ev.time >= %(start)s AND ev.time < %(end)s AND e.id <> ALL (%(ids)s)) t
    GROUP BY 1 HAVING count(*) >= %(least)s)
SELECT t.*, (SELECT p.id FROM picked p WHERE v.vector IS NOT NULL ORDER BY p.vector <#> v.vector, p.id LIMIT 1) AS near
FROM touched t LEFT JOIN {{entities}} v ON v.entity_id = t.id ORDER BY t.id
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exact counts of users: how many, exposed at least once, converted at least once. They stay inside."""

    name: str
    users: int
    exposures: int
    conversions: int
    near: str | None = None


def outcomes_of_arms(tx: Transaction, export: Export) -> list[Outcome]:
    """Return the outcome of each arm, the holdout last: of all users in it, told or not, where users are told."""
    if export.per is None:
        return []
    rows = tx.rows(_BY_USER if export.per == "user" else _BY_ARM, {"export": export.id})
    found = [_outcome(row, row["arm"]) for row in rows]
    return sorted(found, key=lambda o: (o.name == HOLDOUT, o.name))


def outcomes_of_picked(tx: Transaction, export: Export) -> list[Outcome]:
    """Return the outcome of the users who were sent, by the picked entity that leads them in: each user counts once.

    Leading is the entity with the largest part weight x r_u . h_e of the user's score, by the stored vectors of the
    snapshot's space. Users without a vector are in no group.
    """
    space, picked = space_of(tx, export.snapshot), picked_of(export.snapshot)
    if space is None or not picked:
        return []
    rows = tx.rows(_at(space, _LEADING), _parameters(tx, export, picked))
    return [_outcome(row, row["id"]) for row in rows]


def outcomes_of_touched(tx: Transaction, export: Export) -> list[Outcome]:
    """Return the outcome of the users who were sent, by each entity that their own events touch and that was not
    picked; `near` is the picked entity that is most like it. Entities of fewer users than the minimum are left out.

    Events of the window that chose the users: what they did later may be the conversion itself.
    """
    snapshot, picked = export.snapshot, picked_of(export.snapshot)
    space = space_of(tx, snapshot)
    if space is None or not picked:
        return []
    row = tx.rows("SELECT as_of, days FROM space WHERE space = %s", (space,))[0]
    window = Window(snapshot.as_of or row["as_of"] or export.made_at.date(), row["days"])
    limits = {"start": window.start, "end": window.end, "least": MINIMUM_SIZE}
    rows = tx.rows(_at(space, _TOUCHED), {**_parameters(tx, export, picked), **limits})
    return [_outcome(row, row["id"], row["near"]) for row in rows]


def _at(space: str, query: str) -> str:
    return query.format(entities=identifier(f"entity_vector_{space}"), users=identifier(f"user_vector_{space}"))


def _parameters(tx: Transaction, export: Export, picked: Sequence[PickedIn]) -> dict[str, Any]:
    tx.rows(PLAN, {"workers": "4"})
    return {"export": export.id, "ids": [p.id for p in picked], "weights": [p.weight for p in picked]}


def _outcome(row: Row, name: str, near: str | None = None) -> Outcome:
    return Outcome(name, int(row["users"]), int(row["exposures"]), int(row["conversions"]), near)
