"""Load a file of entities into the dictionary in Neo4j."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace

from audience_graph.entities.dictionary import Decider, Dictionary, Entity, read_some, write_entities
from audience_graph.entities.linking import Linker
from audience_graph.graph.runner import Runner
from audience_graph.ingest.contract import ENTITIES
from audience_graph.ingest.reading import LoadOptions, Reading, reading
from audience_graph.ingest.report import LoadReport
from audience_graph.ingest.sensitive import decide, sensitive_notes
from audience_graph.saved.pages import write_pages


def load_entities(path: str | os.PathLike[str], *, runner: Runner, options: LoadOptions = LoadOptions()) -> LoadReport:
    """Check a file of entities and write the new and the changed ones to Neo4j, in one transaction.

    A column that the file lacks keeps what is stored. What the file does not say to be sensitive, or not, the list says
    (`entities/sensitive.toml`), unless a file or a person did before. Relations and vectors of changed entities are not
    touched. Labels of types, and Browser's colours of them, follow in a transaction of their own.
    Raises InputError before anything is written, unless bad rows go to `options.reject_to`;
    MigrationError when the schema is not there.
    """
    from audience_graph.schema import require_graph_schema  # here, because its libraries are slow to import

    start = time.monotonic()
    require_graph_schema(runner)
    with reading(path, ENTITIES, options) as found:
        rows = _distinct(found)
        found.rejects.raise_if_any(found.source.name, ENTITIES.what)
        known = read_some(runner, [entity.id for entity in rows])
        rows = [decide(_keep_stored(entity, known.get(entity.id), found), known.get(entity.id)) for entity in rows]
        changed = [entity for entity in rows if known.get(entity.id) != entity]
        if not options.dry_run:
            write_entities(runner, changed)
            write_pages(runner)
        rejected = found.rejects.rows
    return LoadReport(
        what=ENTITIES.what,
        file=found.source.name,
        read=found.read,
        written=len(changed),
        unchanged=found.read - rejected - len(changed),
        rejected=rejected,
        seconds=time.monotonic() - start,
        notes=(*found.notes, *_ambiguous(rows), *sensitive_notes(rows, known)),
        dry_run=options.dry_run,
    )


def _distinct(found: Reading) -> list[Entity]:
    """Return the entities of the file, one for each id. Refuses rows that give an id again with other content."""
    columns = [found.checked.cells.get(name, "NULL") for name in ENTITIES.names]
    entities: dict[str, tuple[int, Entity]] = {}
    cells = found.checked.db.execute(f"SELECT row, {', '.join(columns)} FROM good ORDER BY row").fetchall()
    for row, id_, name, type_, aliases, description, sensitive in cells:
        listed = tuple(dict.fromkeys(alias.strip() for alias in aliases or () if alias.strip()))
        said: Decider | None = "file" if sensitive is not None else None
        entity = Entity(id_, name, type_, listed, description, bool(sensitive), decided_by=said)
        first_row, first = entities.setdefault(id_, (row, entity))
        if first != entity:
            wanted = f"another id than row {first_row}, or the same content"
            found.refuse(row, "id", wanted, f"{id_!r} again with other content")
    return [entity for _, entity in entities.values()]


def _keep_stored(entity: Entity, stored: Entity | None, found: Reading) -> Entity:
    if stored is None:
        return entity
    present = set(found.plan.names)
    absent = {name: getattr(stored, name) for name in ("aliases", "description") if name not in present}
    return replace(entity, **absent)


def _ambiguous(entities: Iterable[Entity]) -> list[str]:
    shared = Linker(Dictionary.of(entities)).ambiguous
    if not shared:
        return []
    shown = "; ".join(f"{form!r}: {', '.join(ids[:3])}" for form, ids in list(shared.items())[:5])
    return [f"{len(shared):,} names or aliases mean several entities; text is linked to the first: {shown}"]
