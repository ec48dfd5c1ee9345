"""E^Se: how an entity is called and described, joined with what the loaded corpus says of it (EGL III-B, stage I)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from audience_graph.config import Home
from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.linking import Linker
from audience_graph.ingest.warehouse import warehouse
from audience_trainers.relations.topn import Floats, unit_rows
from audience_trainers.text_cache import Encode

EXCERPT = 500  # characters of a document that are read
DOCUMENTS_PER_BLOCK = 4_096


@dataclass(frozen=True, slots=True)
class Document:
    """The beginning of a text of the corpus and the indices of the entities that it is about."""

    text: str
    entities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """The weight of the corpus against an entity's own text (0..1), and how many documents of an entity count."""

    weight: float
    per_entity: int


def read_documents(home: Home, dictionary: Dictionary) -> Iterator[Document]:
    """Yield the loaded documents that are about an entity, in the order of the warehouse.

    A document with explicit entity ids is about those that the dictionary knows, any other about those that its
    excerpt names (see `Linker`).
    """
    place = {entity_id: i for i, entity_id in enumerate(dictionary.ids)}
    linker: Linker | None = None
    for file in warehouse(home).batches("corpus"):
        for batch in pq.ParquetFile(file).iter_batches(batch_size=10_000, columns=["text", "entity_ids"]):
            for text, given in zip(batch["text"].to_pylist(), batch["entity_ids"].to_pylist(), strict=True):
                excerpt = text[:EXCERPT]
                if not given and linker is None:
                    linker = Linker(dictionary)
                ids = given if given or linker is None else linker.link(excerpt)
                about = tuple(sorted({place[i] for i in ids if i in place}))
                if about:
                    yield Document(excerpt, about)


def semantic_vectors(own: Floats, documents: Iterable[Document], part: CorpusPart, encode: Encode) -> Floats:
    """Return E^Se (n, d), unit rows: (1 - weight) e_own + weight e_corpus, where e_corpus is the direction of the mean
    of its documents' vectors; a document about m entities counts 1/m for each.

    `own` (n, d) are unit vectors of names and descriptions. The first `per_entity` documents of an entity count; others
    are not encoded. An entity without documents keeps its own vector. In memory: one block of documents.
    """
    if part.weight == 0 or part.per_entity == 0:
        return own
    total = np.zeros(own.shape, np.float32)
    for block in _blocks(_wanted(documents, len(own), part.per_entity)):
        vectors = encode([document.text for document in block])
        row = np.repeat(np.arange(len(block)), [len(d.entities) for d in block])
        entity = np.array([e for d in block for e in d.entities], np.int64)
        share = np.array([1.0 / len(d.entities) for d in block for _ in d.entities], np.float32)
        np.add.at(total, entity, vectors[row] * share[:, None])
    spoken = np.abs(total).max(axis=1) > 0
    mixed = (1.0 - part.weight) * own + part.weight * unit_rows(total)
    return unit_rows(np.where(spoken[:, None], mixed, own))


def _wanted(documents: Iterable[Document], n: int, per_entity: int) -> Iterator[Document]:
    """Yield documents with those of their entities that still want one."""
    count = np.zeros(n, np.int64)
    for document in documents:
        about = tuple(e for e in document.entities if count[e] < per_entity)
        if about:
            count[list(about)] += 1
            yield Document(document.text, about)


def _blocks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    block: list[Document] = []
    for document in documents:
        block.append(document)
        if len(block) == DOCUMENTS_PER_BLOCK:
            yield block
            block = []
    if block:
        yield block
