"""Write relations and vectors of a version to Neo4j: large batches of parallel lists, each exactly once.

The version node counts what was written. A batch names the count that it builds upon and is refused by its own
query when that is not the count: so a killed run goes on where it stopped, and a batch that commits late, or that
the driver retries, cannot be written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from audience_graph.errors import ReleaseError
from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Runner
from audience_graph.release.content import PROVENANCE, Content
from audience_graph.release.progress import Progress

RELATION_BATCH = 20_000
VECTOR_FLOATS = 512_000  # floats per batch of vectors: about 4.5 MB on the wire


def require_entities(runner: Runner, content: Content) -> None:
    """Raise ReleaseError when the run names entities that are not in the graph."""
    missing: list[str] = []
    count = 0
    for start in range(0, len(content.entity_ids), RELATION_BATCH):
        ids = list(content.entity_ids[start : start + RELATION_BATCH])
        row = runner.read(load_query("releases/missing_entities"), {"ids": ids})[0]
        missing += row["missing"]
        count += row["count"]
    if count:
        named = ", ".join(missing[:5])
        raise ReleaseError(
            f"{count} entities of run {content.run_id} are not in the graph: {named}",
            hint="load them first: audience-graph load entities FILE",
        )


def write_relations(runner: Runner, content: Content, written: int, progress: Progress) -> None:
    """Write the relations after the first `written`, in the content's order; each batch is committed."""
    query = load_query("relations/write_batch").at_version(content.relation_type)
    total = len(content.relations)
    while written < total:
        end = min(written + RELATION_BATCH, total)
        _write(runner, query, relation_batch(content, written, end), end - written, content)
        written = end
        progress("relations", written, total)


def relation_batch(content: Content, start: int, end: int) -> dict[str, Any]:
    """Return the parameters of one batch: parallel lists, and the entities that they name once."""
    part = slice(start, end)
    relations = content.relations
    source = relations.source[part]
    first = np.flatnonzero(np.r_[True, np.diff(source) != 0])  # where the rows of each source begin
    both = np.concatenate([source[first], relations.target[part]])
    entities, places = np.unique(both, return_inverse=True)
    return {
        "version": content.version,
        "offset": start,
        "ids": [content.entity_ids[i] for i in entities],
        "source": places[: len(first)].tolist(),
        "start": [*first.tolist(), end - start],
        "threshold": content.thresholds[source[first]].tolist(),
        "target": places[len(first) :].tolist(),
        "score": relations.score[part].tolist(),
        "logit": relations.logit[part].tolist(),
        "margin": relations.margin[part].tolist(),
        "rank": relations.rank[part].tolist(),
        "provenance": relations.provenance[part].tolist(),
        "kinds": list(PROVENANCE),
    }


def write_vectors(runner: Runner, content: Content, written: int, progress: Progress) -> None:
    """Write the entity vectors after the first `written`, with their thresholds; each batch is committed."""
    query = load_query("relations/write_vectors")
    total, dims = content.vectors.shape
    step = max(1, VECTOR_FLOATS // dims)
    while written < total:
        end = min(written + step, total)
        parameters = {
            "version": content.version,
            "offset": written,
            "space": content.space,
            "ids": list(content.entity_ids[written:end]),
            "vectors": content.vectors[written:end].tolist(),
            "thresholds": content.thresholds[written:end].tolist(),
        }
        _write(runner, query, parameters, end - written, content)
        written = end
        progress("entity vectors", written, total)


def write_text_vectors(runner: Runner, content: Content, progress: Progress) -> None:
    """Bring the text vector of each entity up to date; an unchanged one costs a comparison.

    Raises ReleaseError when they have another length than the index on them: Neo4j would take them and never find
    them.
    """
    vectors = content.text_vectors
    if vectors is None:
        return
    indexed = runner.read(load_query("relations/text_vector_dims"))
    if indexed and vectors.shape[1] != indexed[0]["dims"]:
        raise ReleaseError(
            f"{content.folder / 'text_vectors.npy'}: vectors have {vectors.shape[1]} dimensions, "
            f"the index entity_text_vector has {indexed[0]['dims']}"
        )
    step = max(1, VECTOR_FLOATS // vectors.shape[1])
    for start in range(0, len(vectors), step):
        end = min(start + step, len(vectors))
        parameters = {"ids": list(content.entity_ids[start:end]), "vectors": vectors[start:end].tolist()}
        runner.write(load_query("relations/write_text_vectors"), parameters)
        progress("text vectors", end, len(vectors))


def _write(runner: Runner, query: Query, parameters: Mapping[str, Any], size: int, content: Content) -> None:
    written = runner.write(query, parameters)[0]["written"]
    if written != size and not _arrived(runner, query, parameters, size, content):
        raise ReleaseError(
            f"version {content.version}: another process wrote to it, or an entity was removed meanwhile",
            hint="stage the run again: it goes on where it stopped",
        )


def _arrived(runner: Runner, query: Query, parameters: Mapping[str, Any], size: int, content: Content) -> bool:
    """Whether the batch was committed by an attempt whose answer was lost, which the driver then repeated."""
    count = "vectors" if query.name.endswith("vectors") else "written"
    row = runner.read(load_query("releases/find_version"), {"version": content.version})[0]
    return bool(row[count] == parameters["offset"] + size)
