"""Which entities the texts of a source name: each distinct text is looked at once, in this process."""

from __future__ import annotations

import pyarrow as pa

from audience_graph.entities.linking import Linker
from audience_trainers.users.source import Source

SCHEMA = pa.schema([("phrase", pa.string()), ("entity_id", pa.string())])


def link_texts(source: Source) -> pa.Table:
    """Return (phrase, entity_id) for the texts of events without entity ids, by the names and aliases of entities."""
    events = source.events
    silent = events.filter((events.entity_ids.length() == 0) | events.entity_ids.isnull())
    texts = silent.filter(silent.text.nullif("").notnull()).select("text").distinct()
    linker = Linker(source.dictionary)
    phrases: list[str] = []
    found: list[str] = []
    for text in source.backend.to_pyarrow(texts).column("text").to_pylist() if len(source.dictionary) else ():
        for entity in linker.link(text):
            phrases.append(text)
            found.append(entity)
    return pa.table({"phrase": phrases, "entity_id": found}, schema=SCHEMA)
