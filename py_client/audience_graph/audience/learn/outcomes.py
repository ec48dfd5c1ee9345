"""What came of an export, as exact counts that stay inside: by arm, and by picked entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.audience.keep.picked import PickedIn, picked_of, space_of
from audience_graph.audience.learn.exported import ARM_OF, IN_EXPORT, Export
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.vectors.store import Row, Transaction, identifier
from audience_graph.vectors.topk import PLAN

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
{_OUTCOME},
scored AS (
    SELECT o.exposed, o.converted, led.id, ntile(2) OVER (ORDER BY led.score DESC, o.key) = 2 AS late
    FROM outcome o JOIN {{users}} u USING (key) CROSS JOIN LATERAL (
        SELECT (array_agg(p.id ORDER BY p.weight * (u.vector <#> p.vector), p.id))[1] AS id,
               -sum(p.weight * (u.vector <#> p.vector)) AS score
        FROM picked p) led)
SELECT id, count(*) AS users, count(*) FILTER (WHERE exposed) AS exposures,
       count(*) FILTER (WHERE converted) AS conversions, count(*) FILTER (WHERE late) AS late_users,
       count(*) FILTER (WHERE late AND exposed) AS late_exposures,
       count(*) FILTER (WHERE late AND converted) AS late_conversions
FROM scored GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exact counts of users: how many, exposed at least once, converted at least once. They stay inside."""

    name: str
    users: int
    exposures: int
    conversions: int
    near: str | None = None


@dataclass(frozen=True, slots=True)
class Led:
    """The users whom one picked entity leads in, and those of them in the half of all sent with the lowest scores."""

    all: Outcome
    late: Outcome


def outcomes_of_arms(tx: Transaction, export: Export) -> list[Outcome]:
    """Return the outcome of each arm, the holdout last: of all users in it, told or not, where users are told."""
    if export.per is None:
        return []
    rows = tx.rows(_BY_USER if export.per == "user" else _BY_ARM, {"export": export.id})
    found = [_outcome(row, row["arm"]) for row in rows]
    return sorted(found, key=lambda o: (o.name == HOLDOUT, o.name))


def outcomes_of_picked(tx: Transaction, export: Export) -> list[Led]:
    """Return the outcome of the users who were sent, by the picked entity that leads them in: each user counts once.

    Leading is the entity with the largest part weight x r_u . h_e of the user's score, by the stored vectors of the
    snapshot's space. Users without a vector are in no group.
    """
    space, picked = space_of(tx, export.snapshot), picked_of(export.snapshot)
    if space is None or not picked:
        return []
    rows = tx.rows(_at(space, _LEADING), _parameters(tx, export, picked))
    return [Led(_outcome(row, row["id"]), _outcome(row, row["id"], "late_")) for row in rows]


def _at(space: str, query: str) -> str:
    return query.format(entities=identifier(f"entity_vector_{space}"), users=identifier(f"user_vector_{space}"))


def _parameters(tx: Transaction, export: Export, picked: Sequence[PickedIn]) -> dict[str, Any]:
    tx.rows(PLAN, {"workers": "4"})
    return {"export": export.id, "ids": [p.id for p in picked], "weights": [p.weight for p in picked]}


def _outcome(row: Row, name: str, prefix: str = "") -> Outcome:
    users, exposures, conversions = (int(row[prefix + count]) for count in ("users", "exposures", "conversions"))
    return Outcome(name, users, exposures, conversions)
