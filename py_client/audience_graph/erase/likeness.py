"""Rankings by likeness to users who were erased: of a lone seed, what a snapshot keeps of the question is that user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from audience_graph.erase.whom import Whom
from audience_graph.vectors.store import Transaction

_NAMING = """
SELECT r.definition, s.id, s.questions FROM audience_revision r JOIN audience_snapshot s ON s.revision_id = r.id
WHERE EXISTS (SELECT FROM unnest(%s::text[]) AS id WHERE position(id IN r.definition::text) > 0)
"""


def blank_questions(tx: Transaction, whom: Whom) -> int:
    """Put zeros in the place of the query vectors of snapshots whose seeds were erased users alone; before any mark.

    Members and scores stay; how the scores came about cannot be told any more. Returns how many snapshots there are.
    """
    wanted = [json.dumps(one, ensure_ascii=False)[1:-1] for one in whom.ids]
    count = 0
    for row in tx.rows(_NAMING, (wanted,)):
        if any(_alone(node, whom) for node in _nodes(row["definition"])):
            told = json.dumps([_blanked(question) for question in row["questions"]], ensure_ascii=False)
            tx.execute("UPDATE audience_snapshot SET questions = %s::jsonb WHERE id = %s", (told, row["id"]))
            count += 1
    return count


def _alone(node: dict[str, Any], whom: Whom) -> bool:
    seeds = node.get("seeds")
    if node.get("kind") != "alike" or not isinstance(seeds, dict):
        return False
    named = seeds.get("user_ids")
    return isinstance(named, list) and bool(named) and all(one in whom.known for one in named)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON value, however deep."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(part)


def _blanked(question: Any) -> Any:
    if isinstance(question, list):
        return [_blanked(part) for part in question]
    if not isinstance(question, dict):
        return question
    if question.get("kind") == "alike" and isinstance(question.get("query"), list):
        return question | {"query": [0.0] * len(question["query"]), "erased": True}
    return {name: _blanked(part) for name, part in question.items()}
