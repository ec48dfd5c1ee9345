"""What erased users wrote: the ids of their events, and the texts that nobody else wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.config import Home
from audience_graph.erase.parquet_rows import EVENT, USER, Column, Values, id_column, leaves_of, names_of, open_parquet
from audience_graph.erase.whom import literal
from audience_graph.ingest.warehouse import warehouse

SHORTEST_TEXT = 16  # bytes: what is shorter stands in other texts by chance
_SEVERAL = 400


@dataclass(frozen=True, slots=True)
class Written:
    """`events`: ids of events; `texts`: what nobody else wrote and no document says, sorted."""

    events: Values
    texts: tuple[str, ...]


def written_by(home: Home, users: Values, files: Sequence[Path] = ()) -> Written:
    """Read what users wrote in the events of a home's warehouse, and the ids of those in other Parquet files too.

    A text counts as somebody else's when it stands in any column of another user's row, in the corpus, or in a file of
    the demo's world that is about nobody.
    """
    store = warehouse(home)
    events, texts = _own(store.batches("events"), users)
    for path in files:
        column = id_column(path)
        if column is not None and column.name == USER and EVENT in names_of(path):
            events |= set(column.rows(users, [EVENT])[EVENT].to_pylist())
    found = Values.of(one for one in events if one is not None)
    for path in (*store.batches("events"), *store.batches("corpus"), *files):
        column = id_column(path)
        if texts and (column is not None or not path.is_relative_to(home.runs)):
            texts -= _said(path, texts, column, {USER: users, EVENT: found})
    return Written(found, tuple(sorted(texts)))


def _own(batches: Sequence[Path], users: Values) -> tuple[set[str], set[str]]:
    events: set[str] = set()
    texts: set[str] = set()
    for batch in batches:
        rows = Column(batch, USER).rows(users, [EVENT, "text"])
        events |= set(rows[EVENT].to_pylist())
        texts |= {text for text in rows["text"].to_pylist() if text is not None}
    return events, texts


def _said(path: Path, texts: set[str], column: Column | None, gone: Mapping[str, Values]) -> set[str]:
    """Return the texts that stand in a cell of a row that belongs to somebody else, or to nobody."""
    wanted, found = pa.array(sorted(texts), pa.string()), set()
    with open_parquet(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            if column is not None:
                table = table.filter(pc.invert(gone[column.name].mask(table[column.name])))
            for name in table.column_names:
                for leaf in leaves_of(table[name].combine_chunks()):
                    cells = leaf.unique()
                    found |= set(wanted.filter(pc.is_in(wanted.cast(cells.type), value_set=cells)).to_pylist())
    return found


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
    patterns = ["|".join(map(literal, texts[i : i + _SEVERAL])) for i in range(0, len(texts), _SEVERAL)]
    with open_parquet(path) as file:
        for group in range(file.num_row_groups):
            column = file.read_row_group(group, columns=["text"])["text"].cast(pa.large_string())
            for pattern in patterns:
                hit = pc.fill_null(pc.match_substring_regex(column, pattern=pattern), False)
                yield from column.filter(hit).unique().to_pylist()
