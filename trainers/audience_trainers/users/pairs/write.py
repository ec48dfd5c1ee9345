"""Write pairs as Parquet, so that people can look at what the model will read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError
from audience_graph.sentences.demand import FAMILIES
from audience_trainers.run import Progress, silent
from audience_trainers.users.histories import Histories, read_histories
from audience_trainers.users.pairs.build import Pairs, PairsConfig, build_pairs
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.futures import KINDS, OUTCOMES
from audience_trainers.users.pairs.windows import SPLITS
from audience_trainers.users.source import Source

_ROWS = 20_000
FILE = "pairs.parquet"


@dataclass(frozen=True, slots=True)
class PairsOutput:
    """Where pairs are written (None: nowhere), the seed of their sentences, and how many of them are shown."""

    folder: Path | None = None
    seed: int = 7
    show: int = 10


def make_pairs(
    source: Source,
    config: PairsConfig,
    output: PairsOutput,
    *,
    families: FamilyMap = FamilyMap(),
    progress: Progress = silent,
) -> dict[str, Any]:
    """Build the pairs of a source, write them if asked to, and return their counts and sampled descriptions."""
    progress("reading events", 0, 1)
    histories = read_histories(source)
    progress("reading events", 1, 1)
    pairs = build_pairs(source, histories, config, families=families, progress=progress)
    path = None
    if output.folder is not None:
        path = write_pairs(pairs, histories, output.folder, seed=output.seed, progress=progress)
    rng = np.random.default_rng(output.seed)
    rows = rng.choice(len(pairs), min(output.show, len(pairs)), replace=False)
    return {**counts_of(pairs, histories), "out": path, "shown": pairs.sample(np.sort(rows), rng)}


def write_pairs(
    pairs: Pairs, histories: Histories, folder: Path, *, seed: int = 7, progress: Progress = silent
) -> Path:
    """Write `pairs.parquet` into a folder, whole or not at all: user_id, t1, t2, split, description, facts.

    One description is drawn for each pair. What it describes ends at t2, which for present pairs is t1. An older file
    of this name is replaced. Raises ConfigError when the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"{folder} is no folder: {exc.strerror}", hint="name another with --out") from exc
    part, writer = folder / f".{FILE}.part", None
    try:
        for done, table in _tables(pairs, histories, np.random.default_rng(seed)):
            writer = writer if writer is not None else pq.ParquetWriter(part, table.schema, compression="zstd")
            writer.write_table(table)
            progress("writing pairs", done, len(pairs))
        if writer is not None:
            writer.close()
        part.replace(folder / FILE)
    finally:
        if writer is not None:
            writer.close()
        part.unlink(missing_ok=True)
    return folder / FILE


def counts_of(pairs: Pairs, histories: Histories) -> dict[str, Any]:
    """Return how many events, users, pairs of each split, facts of each family and cut times there are."""
    split, family = Counter(pairs.split.tolist()), Counter(pairs.facts.family.tolist())
    return {
        "events": len(histories.time),
        "users": len(histories.user_ids),
        "cuts": [str(np.datetime64(int(cut), "s").astype("datetime64[D]")) for cut in pairs.windows.cut],
        "pairs": {name: split[i] for i, name in enumerate(SPLITS)},
        "facts": {name: family[i] for i, name in enumerate(FAMILIES)},
    }


def _tables(pairs: Pairs, histories: Histories, rng: np.random.Generator) -> Iterator[tuple[int, pa.Table]]:
    users = pa.array(histories.user_ids, pa.string())
    far = 0 if pairs.windows.present else pairs.windows.horizon
    for begin in range(0, len(pairs), _ROWS):
        end = min(begin + _ROWS, len(pairs))
        t1 = pairs.moments.time[begin:end]
        yield (
            end,
            pa.table(
                {
                    "user_id": users.take(pa.array(pairs.moments.user[begin:end])),
                    "t1": pa.array(t1, pa.int64()).cast(pa.timestamp("s", "UTC")),
                    "t2": pa.array(t1 + far, pa.int64()).cast(pa.timestamp("s", "UTC")),
                    "split": _words(pairs.split[begin:end], SPLITS),
                    "description": pa.array(pairs.sample(np.arange(begin, end), rng), pa.string()),
                    "facts": _facts(pairs, begin, end),
                }
            ),
        )


def _facts(pairs: Pairs, begin: int, end: int) -> pa.Array:
    """Return the facts as lists, one for each pair: family, way, outcome, kind, value, count, amount, first."""
    facts = pairs.facts
    a, b = int(facts.start[begin]), int(facts.start[end])
    cells = {
        "family": _words(facts.family[a:b], FAMILIES),
        "way": _words(facts.way[a:b], facts.ways),
        "outcome": _words(facts.outcome[a:b], OUTCOMES),
        "kind": _words(facts.kind[a:b], KINDS),
        "value": _words(facts.value[a:b], facts.values),
        "count": pa.array(facts.count[a:b], pa.int64()),
        "amount": pa.array(facts.cents[a:b] / 100, pa.float64()),
        "first": pa.array(facts.first[a:b], pa.bool_()),
    }
    structs = pa.StructArray.from_arrays(list(cells.values()), list(cells))
    return pa.ListArray.from_arrays(pa.array((facts.start[begin : end + 1] - a).astype(np.int32)), structs)


def _words(code: npt.NDArray[Any], names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(code.astype(np.int64)))
