"""Flag entities as sensitive or take the flag away; compare a loaded dictionary with the list. Every change is audited.

The line in the audit log is committed before the flags are written: a change without a line cannot be, a line whose
change was stopped can, and running the same again finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audience_graph.audit import find_actor, record
from audience_graph.entities.dictionary import Decider, Entity, read_dictionary, read_some
from audience_graph.entities.sensitive import Hit, sensitive_list
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.vectors.store import Store


@dataclass(frozen=True, slots=True)
class Unflagged:
    """A loaded entity that is on the list and carries no flag. It was cleared where a file or a person decided so."""

    entity: Entity
    hit: Hit

    @property
    def cleared(self) -> bool:
        """Whether somebody said that it is not sensitive."""
        return self.entity.decided_by in ("file", "person")


def flagged_entities(runner: Runner) -> tuple[Entity, ...]:
    """Return all entities that are flagged, in the order of their ids."""
    return tuple(entity for entity in read_dictionary(runner).entities if entity.sensitive)


def unflagged_entities(runner: Runner, *, descriptions: bool = False) -> tuple[Unflagged, ...]:
    """Return the entities that are on the list and not flagged, by name, alias or type; by description if asked for."""
    known = sensitive_list()
    pairs = ((e, known.match(e, description=descriptions)) for e in read_dictionary(runner).entities if not e.sensitive)
    return tuple(Unflagged(entity, hit) for entity, hit in pairs if hit is not None)


def mark_listed(runner: Runner, store: Store, *, because: str = "on the list") -> tuple[Entity, ...]:
    """Flag what is on the list and was not cleared, in one transaction; return what was flagged."""
    found = [one for one in unflagged_entities(runner) if not one.cleared]
    categories = {one.entity.id: one.hit.category for one in found}
    _write(runner, store, categories, sensitive=True, decided_by="list", because=because)
    return tuple(one.entity for one in found)


def mark(
    runner: Runner, store: Store, ids: Sequence[str], *, category: str | None = None, because: str = ""
) -> tuple[Entity, ...]:
    """Flag entities by id and return those that were not flagged before. `category`: the list's where None.

    Raises NotFoundError for an unknown id and ConfigError for an unknown category: nothing is flagged then.
    """
    names = [c.name for c in sensitive_list().categories]
    if category is not None and category not in names:
        raise ConfigError(f"no category {category!r}", hint=f"there are {', '.join(names)}")
    known = _known(runner, ids)
    hits = {i: sensitive_list().match(entity) for i, entity in known.items()}
    categories = {i: category or (hit.category if hit is not None else None) for i, hit in hits.items()}
    _write(runner, store, categories, sensitive=True, decided_by="person", because=because)
    return tuple(entity for entity in known.values() if not entity.sensitive)


def unmark(runner: Runner, store: Store, ids: Sequence[str], *, because: str) -> tuple[Entity, ...]:
    """Say that entities are not sensitive, and return those that were flagged. Loads and the list leave it at that.

    A file that says otherwise changes it. Raises ConfigError without a reason, NotFoundError for an unknown id.
    """
    if not because.strip():
        raise ConfigError("taking a flag away needs a reason", hint="--because 'why it is not sensitive'")
    known = _known(runner, ids)
    _write(runner, store, dict.fromkeys(known), sensitive=False, decided_by="person", because=because)
    return tuple(entity for entity in known.values() if entity.sensitive)


def _known(runner: Runner, ids: Sequence[str]) -> dict[str, Entity]:
    wanted = list(dict.fromkeys(ids))
    known = read_some(runner, wanted)
    missing = [i for i in wanted if i not in known]
    if missing or not wanted:
        raise NotFoundError(
            f"no entity has the id {', '.join(map(repr, missing[:5]))}" if missing else "no entity named",
            hint="`audience-graph resolve` finds ids by name",
        )
    return {i: known[i] for i in wanted}


def _write(
    runner: Runner,
    store: Store,
    categories: Mapping[str, str | None],
    *,
    sensitive: bool,
    decided_by: Decider,
    because: str,
) -> None:
    if not categories:
        return
    ids = list(categories)
    about = f"entity {ids[0]}" if len(ids) == 1 else f"{len(ids)} entities"
    action = "mark sensitive" if sensitive else "unmark sensitive"
    with store.transaction() as tx:
        what = {"entities": ids, "because": because.strip(), "by": decided_by}
        record(tx, find_actor(), action, about, what | ({"categories": dict(categories)} if sensitive else {}))
    values = {"ids": ids, "sensitive": sensitive, "categories": list(categories.values()), "decided_by": decided_by}
    runner.write(load_query("entities/mark_sensitive"), values)
