"""What erased users wrote: the ids of their events, and the texts that nobody else wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.config import Home
from audience_graph.erase.parquet_rows import EVENT, USER, Values, id_column, open_parquet
from audience_graph.ingest.warehouse import warehouse

SHORTEST_TEXT = 16  # bytes: what is shorter stands in other texts by chance
_SEVERAL = 400


@dataclass(frozen=True, slots=True)
class Written:
    """`events`: ids of events; `texts`: what nobody else wrote and no document says, sorted."""

    events: Values
    texts: tuple[str, ...]


def written_by(home: Home, users: Values, files: Iterable[Path] = ()) -> Written:
    """Read what users wrote, from the warehouse of a home and from other Parquet files that hold events."""
    batches = [str(path) for path in warehouse(home).batches("events")]
    ids: set[str] = set()
    for path in files:
        column = id_column(path)
        with open_parquet(path) as file:
            both = column is not None and column.name == USER and EVENT in file.schema_arrow.names
        if both and column is not None:
            ids |= set(column.rows(users, [EVENT])[EVENT].to_pylist())
    if not batches:
        return Written(Values.of(one for one in ids if one is not None), ())
    with duckdb.connect() as db:
        db.register("erased", pa.table({"user_id": users.array}))
        source = "read_parquet($files)"
        listed = {"files": batches}
        db.execute(f"CREATE TABLE own AS SELECT event_id, text FROM {source} SEMI JOIN erased USING (user_id)", listed)
        ids |= {row[0] for row in db.execute("SELECT event_id FROM own").fetchall()}
        others = f"SELECT text, items FROM {source} ANTI JOIN erased USING (user_id)"
        corpus = [str(path) for path in warehouse(home).batches("corpus")]
        said = "UNION ALL SELECT text FROM read_parquet($corpus)" if corpus else ""
        texts = db.execute(
            f"SELECT DISTINCT text FROM own WHERE text IS NOT NULL EXCEPT (WITH others AS ({others}) "
            f"SELECT text FROM others UNION ALL SELECT unnest(items) FROM others {said}) ORDER BY 1",
            listed | ({"corpus": corpus} if corpus else {}),
        ).fetchall()
    return Written(Values.of(one for one in ids if one is not None), tuple(row[0] for row in texts))


def apart(texts: Iterable[str], home: Home, said: str) -> tuple[str, ...]:
    """Return the texts that can be looked for inside bytes: of some length, and in nothing that others say.

    Call it when the users' events are gone: what is left in the warehouse are the others' texts. `said` are words of
    others that lie elsewhere: names of entities, what marketers typed.
    """
    left = {one for one in texts if len(one.encode()) >= SHORTEST_TEXT and one not in said}
    store = warehouse(home)
    for path in (*store.batches("events"), *store.batches("corpus")):
        if not left:
            break
        for cell in _matching(path, sorted(left)):
            left -= {one for one in left if one in cell}
    return tuple(sorted(left))


def _matching(path: Path, texts: list[str]) -> Iterator[str]:
    """Yield the cells of a file's texts that hold one of the texts."""
    patterns = ["|".join(map(_escape, texts[i : i + _SEVERAL])) for i in range(0, len(texts), _SEVERAL)]
    with open_parquet(path) as file:
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=["text"])["text"].cast(pa.large_string())
            for pattern in patterns:
                hit = pc.fill_null(pc.match_substring_regex(column, pattern=pattern), False)
                yield from column.filter(hit).unique().to_pylist()


def _escape(text: str) -> str:
    """Return a pattern of RE2 that is the text itself."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)
