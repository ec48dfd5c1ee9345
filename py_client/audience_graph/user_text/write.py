"""Write user-text spaces: `user_vector_<space>` (key, vector halfvec(d), fingerprint), and what made them.

All functions work inside the caller's transaction and commit nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from audience_graph.errors import ConfigError
from audience_graph.user_text.graph_weight import delete_weight
from audience_graph.user_text.shortlist import SHORT_DIMS, Shorts, read_directions, short_table
from audience_graph.user_text.space import KIND, Floats, SentenceMap, TextSpace, table_of
from audience_graph.vectors.packing import framed, pack_users
from audience_graph.vectors.store import Transaction, identifier
from audience_graph.vectors.user_rows import keep_unmoved, moved_users, stage_users

MOST_DIMS = 16_000  # of a halfvec
_PLAIN_DIMS = 3_900  # a row of more does not fit a page as it is
_PARALLEL_WORKERS = 4
_BLOCK = 2_000

Embed = Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did: users whose vector was computed, users who lost theirs, all users after it."""

    recomputed: int
    dropped: int
    users: int


def open_space(
    tx: Transaction, space: TextSpace, sentences: SentenceMap, entities: Mapping[str, Floats] | None = None
) -> None:
    """Create the tables and the rows of a space, unless they are there. Raises ConfigError for too many dimensions.

    `entities`: unit vectors (entity_dims,) by id, which sentences take from the entities that they name.
    """
    if not 1 <= space.dims <= MOST_DIMS:
        raise ConfigError(f"a vector of {space.dims:,} dimensions", hint=f"the store holds up to {MOST_DIMS:,}")
    table = table_of(space.space)
    tx.execute(
        "INSERT INTO space (space, kind, dims, model, week, as_of) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (space) DO NOTHING",
        (space.space, KIND, space.dims, space.model, space.week, space.as_of),
    )
    tx.execute(
        "INSERT INTO sentence_encoder (space, base, width, weight, bias, folder, entity_dims, entity_weight, "
        "horizon_days, metrics) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb) ON CONFLICT (space) DO NOTHING",
        (
            space.space,
            sentences.base,
            sentences.width,
            _bytes(sentences.weight),
            _bytes(sentences.bias),
            sentences.folder,
            sentences.entity_dims,
            sentences.entity_weight,
            space.horizon_days,
            json.dumps(space.metrics),
        ),
    )
    _make_table(tx, table, space.dims)
    if space.dims > SHORT_DIMS:
        _make_table(tx, short_table(space.space), SHORT_DIMS)
    _write_entities(tx, space.space, sentences.entity_dims, entities or {})


def _make_table(tx: Transaction, table: str, dims: int) -> None:
    if tx.rows("SELECT to_regclass(%s) AS found", (table,))[0]["found"] is not None:
        return
    tx.execute(
        f"CREATE TABLE {table} (key bigint PRIMARY KEY, vector halfvec({dims}) NOT NULL, fingerprint bigint NOT NULL)"
    )
    storage = "ALTER vector SET STORAGE PLAIN, " if dims <= _PLAIN_DIMS else ""
    tx.execute(f"ALTER TABLE {table} {storage}SET (parallel_workers = {_PARALLEL_WORKERS})")


def update_users(tx: Transaction, space: str, users: pa.Table, embed: Embed) -> Updated:
    """Bring a space to these users (user_id, fingerprint): vectors of those whose fingerprint is new are computed.

    `embed(user_ids)` gives unit vectors (n, d), some thousand at a time; users who are not given lose theirs. The
    result is that of computing everybody whose fingerprint changed, and nobody else.
    """
    table = table_of(space)
    tx.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    stage_users(tx, users)
    dropped = keep_unmoved(tx, table)
    chosen = moved_users(tx)
    if dropped or chosen.num_rows:
        _copy(tx, space, chosen, embed)
    count = int(tx.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])
    return Updated(recomputed=chosen.num_rows, dropped=dropped, users=count)


def move_to(tx: Transaction, space: str, as_of: date) -> None:
    """Say on what day the users of a space stand now."""
    tx.execute("UPDATE space SET as_of = %s WHERE space = %s", (as_of, space))


def drop_space(tx: Transaction, space: str) -> None:
    """Drop the table of a space, its encoder, weight and prompts; its row stays where a release names it."""
    for table in (table_of(space), short_table(space), identifier(f"entity_vector_{space}")):
        tx.execute(f"DROP TABLE IF EXISTS {table}")
    tx.execute("DELETE FROM prompt WHERE space = %s", (space,))
    tx.execute("DELETE FROM sentence_encoder WHERE space = %s", (space,))
    delete_weight(tx, space)
    tx.execute(
        "DELETE FROM space s WHERE s.space = %s AND NOT EXISTS (SELECT FROM release WHERE user_text_space = s.space)",
        (space,),
    )


def _write_entities(tx: Transaction, space: str, dims: int, entities: Mapping[str, Floats]) -> None:
    table = identifier(f"entity_vector_{space}")
    if dims == 0 or tx.rows("SELECT to_regclass(%s) AS found", (table,))[0]["found"] is not None:
        return
    tx.execute(f'CREATE TABLE {table} (entity_id text COLLATE "C" PRIMARY KEY, vector vector({dims}) NOT NULL)')
    rows = ((entity, str(vector.tolist())) for entity, vector in sorted(entities.items()))
    tx.copy_in(table, ("entity_id", "vector"), rows)


def _copy(tx: Transaction, space: str, chosen: pa.Table, embed: Embed) -> None:
    """Copy the vectors of users into the table of a space, and their short ones beside them."""
    table = table_of(space)
    shorts = _shorts_of(tx, space)
    tx.copy_blocks(table, ("key", "vector", "fingerprint"), framed(_blocks(chosen, embed, shorts)))
    tx.execute(f"ANALYZE {table}")
    if shorts is None:
        return
    short = short_table(space)
    tx.execute(f"DELETE FROM {short} s WHERE NOT EXISTS (SELECT FROM {table} v WHERE v.key = s.key)")
    tx.execute(f"DELETE FROM {short} WHERE key = ANY (%s)", (chosen["key"].to_pylist(),))
    tx.copy_blocks(short, ("key", "vector", "fingerprint"), framed(shorts.blocks()))
    tx.execute(f"ANALYZE {short}")
    if shorts.directions is not None:
        tx.execute(
            "UPDATE sentence_encoder SET shortlist = %s WHERE space = %s AND shortlist IS NULL",
            (_bytes(shorts.directions), space),
        )


def _shorts_of(tx: Transaction, space: str) -> Shorts | None:
    if tx.rows("SELECT to_regclass(%s) AS found", (short_table(space),))[0]["found"] is None:
        return None
    return Shorts(read_directions(tx, space))


def _blocks(chosen: pa.Table, embed: Embed, shorts: Shorts | None) -> Iterator[bytes]:
    for begin in range(0, chosen.num_rows, _BLOCK):
        part = chosen.slice(begin, _BLOCK)
        vectors = embed(part["user_id"].to_pylist())
        keys, prints = part["key"].to_numpy(), part["fingerprint"].to_numpy()
        if shorts is not None:
            shorts.add(keys, prints, vectors)
        yield pack_users(keys, prints, vectors)


def _bytes(values: Floats | None) -> bytes | None:
    return None if values is None else np.ascontiguousarray(values, np.float32).tobytes()
