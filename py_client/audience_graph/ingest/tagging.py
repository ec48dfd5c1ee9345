"""Tag the texts of new events and link what is found: rows of `warehouse/mentions`, one for each mention.

Only events without entity ids are tagged, and only their text: items are names already, the dictionary links those.
An event stays as it was loaded; its mentions stand beside it in a batch of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from audience_graph.entities.mention_linking import Linked, MentionLinker
from audience_graph.entities.taggers import Mention, Tagger
from audience_graph.entities.text import normalise
from audience_graph.ingest.reading import Reading
from audience_graph.ingest.report import MentionCounts, Progress, no_progress

LONGEST = 200  # characters: what is longer is no name of anything
_BLOCK = 2_000
_NEAR = pa.list_(pa.struct([("id", pa.string()), ("name", pa.string()), ("score", pa.float64())]))
# `type`: the dictionary's type where the linker maps the tagger's; `form`: the normal form of `mention`.
_FOUND = pa.schema(
    [
        ("text", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("mention", pa.string()),
        ("form", pa.string()),
        ("type", pa.string()),
        ("entity_id", pa.string()),
        ("how", pa.string()),
        ("score", pa.float64()),
        ("nearest", _NEAR),
        ("tagger", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Tagging:
    """With what a load tags and links; `progress` counts distinct texts."""

    tagger: Tagger
    linker: MentionLinker
    progress: Progress = no_progress


def tag_fresh(found: Reading, tagging: Tagging) -> None:
    """Tag the distinct texts of the rows in table `fresh` into table `tagged` of the reading's database."""
    db, text, ids = found.checked.db, found.checked.cells.get("text"), found.checked.cells.get("entity_ids")
    silent = _silent(ids)
    texts: list[str] = []
    if text is not None:
        query = f"SELECT DISTINCT {text} AS t FROM good JOIN fresh USING (row) WHERE {text} IS NOT NULL AND {silent}"
        texts = [row[0] for row in db.execute(f"{query} ORDER BY t").fetchall()]
    table = pa.Table.from_batches(_tag(texts, tagging), _FOUND)
    db.register("tagged_input", table)
    db.execute("CREATE TABLE tagged AS SELECT * FROM tagged_input")
    db.unregister("tagged_input")


def write_mentions(found: Reading, work: Path) -> tuple[Path | None, MentionCounts]:
    """Write the mentions of table `fresh` as one Parquet file; return it, None without any, and what it holds."""
    cells = found.checked.cells
    silent = _silent(cells.get("entity_ids"))
    if "text" not in cells:
        return None, MentionCounts(0, 0, 0)
    db = found.checked.db
    db.execute(
        "CREATE OR REPLACE TABLE mention AS SELECT id AS event_id, tagged.* EXCLUDE (text) FROM fresh "
        f"JOIN good USING (row) JOIN tagged ON tagged.text = {cells['text']} WHERE {silent}"
    )
    ((count, linked),) = db.execute("SELECT count(*), count(entity_id) FROM mention").fetchall()
    counts = MentionCounts(count, linked, count - linked)
    if count == 0:
        return None, counts
    path = work / "mentions.parquet"
    escaped = str(path).replace("'", "''")
    db.execute(
        f"COPY (FROM mention ORDER BY event_id, start) TO '{escaped}' "
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)"
    )
    return path, counts


def _silent(entity_ids: str | None) -> str:
    """Return the SQL of: this row names no entity itself; `entity_ids` is the cell's column, if the file has one."""
    return "true" if entity_ids is None else f"coalesce(len({entity_ids}), 0) = 0"


def _tag(texts: Sequence[str], tagging: Tagging) -> Iterator[pa.RecordBatch]:
    for begin in range(0, len(texts), _BLOCK):
        block = texts[begin : begin + _BLOCK]
        mentions = [
            (text, mention)
            for text, found in zip(block, tagging.tagger.tag(block), strict=True)
            for mention in found
            if 0 < len(mention.text) <= LONGEST and normalise(mention.text)
        ]
        linked = tagging.linker.link_all([(mention.text, mention.type) for _, mention in mentions])
        rows = [_row(text, mention, link, tagging) for (text, mention), link in zip(mentions, linked, strict=True)]
        yield pa.RecordBatch.from_pylist(rows, schema=_FOUND)
        tagging.progress(begin + len(block), len(texts))


def _row(text: str, mention: Mention, linked: Linked, tagging: Tagging) -> dict[str, object]:
    return {
        "text": text,
        "start": mention.start,
        "end": mention.end,
        "mention": " ".join(mention.text.split()),
        "form": normalise(mention.text),
        "type": tagging.linker.type_of(mention.type),
        "entity_id": linked.entity_id,
        "how": linked.how,
        "score": linked.score if linked.entity_id is not None else None,
        "nearest": [{"id": near.id, "name": near.name, "score": near.score} for near in linked.nearest],
        "tagger": tagging.tagger.name,
    }
