"""What a sample is drawn from: all pairs of a run folder or a published version, with what the model says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.entities.dictionary import Dictionary, read_dictionary
from audience_graph.errors import RunError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.release import Release
from audience_trainers.run import RunFolder

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]
PAGE = 2_000  # entities


@dataclass(frozen=True, slots=True)
class Pairs:
    """Directed pairs (p,) sorted by (source, target): entity places, whether T_uv = 1, and the model's word on each.

    `score`, `logit` and `margin` are NaN where the model's word is not kept; `provenance` is '' where unknown.
    """

    source: Places
    target: Places
    relation: npt.NDArray[np.bool_]
    provenance: Texts
    score: Values
    logit: Values
    margin: Values

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True)
class Population:
    """Entities, their popularity (n,), and the pairs of one run or version. `origin` names it, `week` is its week."""

    origin: str
    week: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    popularity: Values
    pairs: Pairs
    has_candidates: bool

    def __len__(self) -> int:
        return len(self.ids)


def population_of_run(run: RunFolder) -> Population:
    """Read candidates and relations of a run folder; popularity is the number of mentions in its sequences.

    Scores of candidates that are no relations come from the column `logit` of `candidates.parquet`. Raises RunError
    when the folder is not a mining run's.
    """
    for name in ("entities", "candidates", "relations", "sequences"):
        if not (run.path / f"{name}.parquet").is_file():
            raise RunError(
                f"{run.path} is not a mining run: {name}.parquet is missing", hint="run `audience-graph mine`"
            )
    entities = run.read_table("entities")
    ids = entities["entity_id"]
    parts = [_candidate_rows(run.read_table("candidates")), _relation_rows(run.read_table("relations"), ids)]
    mentions = pc.index_in(run.read_table("sequences")["entity_id"], value_set=ids.combine_chunks()).drop_null()
    return Population(
        origin=run.run_id,
        week=run.week,
        ids=tuple(ids.to_pylist()),
        names=tuple(entities["name"].to_pylist()),
        types=tuple(entities["type"].to_pylist()),
        popularity=np.bincount(mentions.to_numpy(), minlength=len(ids)).astype(np.float64),
        pairs=merge_pairs(parts, len(ids)),
        has_candidates=True,
    )


def population_of_release(runner: Runner, release: Release) -> Population:
    """Read the relations of a release's version from Neo4j; popularity is the entities' reach. Candidates are not kept
    there."""
    dictionary = read_dictionary(runner)
    reach = runner.read(load_query("releases/read_reach"))[0]
    place = {entity_id: i for i, entity_id in enumerate(dictionary.ids)}
    popularity = np.zeros(len(dictionary))
    for entity_id, users in zip(reach["ids"], reach["reach"], strict=True):
        if entity_id in place:
            popularity[place[entity_id]] = users
    return Population(
        origin=release.version,
        week=release.week,
        ids=dictionary.ids,
        names=tuple(e.name for e in dictionary.entities),
        types=tuple(e.type for e in dictionary.entities),
        popularity=popularity,
        pairs=merge_pairs([_stored_rows(runner, release, dictionary)], len(dictionary)),
        has_candidates=False,
    )


def merge_pairs(parts: Sequence[Mapping[str, Any]], n: int) -> Pairs:
    """Merge columns of pairs: of a pair that several parts hold, the last part that knows a value gives it."""
    keys = [np.asarray(part["source"], np.int64) * n + np.asarray(part["target"], np.int64) for part in parts]
    every = np.unique(np.concatenate(keys))
    relation = np.zeros(len(every), dtype=bool)
    provenance = np.full(len(every), "", dtype=object)
    numbers = {name: np.full(len(every), np.nan) for name in ("score", "logit", "margin")}
    for key, part in zip(keys, parts, strict=True):
        at = np.searchsorted(every, key)
        if "relation" in part:
            relation[at] = True
        if "provenance" in part:
            provenance[at] = part["provenance"]
        for name, column in numbers.items():
            if name in part:
                column[at] = part[name]
    if np.isnan(numbers["score"]).any():
        missing = np.isnan(numbers["score"])
        numbers["score"][missing] = 1.0 / (1.0 + np.exp(-numbers["logit"][missing]))
    return Pairs(every // n, every % n, relation, provenance, **numbers)


def _candidate_rows(table: pa.Table) -> dict[str, Any]:
    names = [name for name in ("source", "target", "logit", "provenance") if name in table.column_names]
    return {name: _column(table, name) for name in names}


def _column(table: pa.Table, name: str) -> npt.NDArray[Any]:
    """Return a column; equal texts are one object, so that millions of them take eight bytes each."""
    if not pa.types.is_string(table[name].type):
        return np.asarray(table[name].to_numpy())
    coded = table[name].combine_chunks().dictionary_encode()
    return np.asarray(np.array(coded.dictionary.to_pylist(), dtype=object)[coded.indices.to_numpy()])


def _relation_rows(table: pa.Table, ids: pa.ChunkedArray) -> dict[str, Any]:
    places = {
        side: pc.index_in(table[f"{side}_id"], value_set=ids.combine_chunks()).to_numpy()
        for side in ("source", "target")
    }
    rest = {name: _column(table, name) for name in ("score", "logit", "margin", "provenance")}
    return {**places, **rest, "relation": True}


def _stored_rows(runner: Runner, release: Release, dictionary: Dictionary) -> dict[str, Any]:
    query = load_query("relations/margin_page").at_version(release.relation_type)
    place = {entity_id: i for i, entity_id in enumerate(dictionary.ids)}
    columns: dict[str, list[Any]] = {name: [] for name in ("scores", "logits", "margins", "provenance")}
    source: list[int] = []
    target: list[int] = []
    after = ""
    while rows := runner.read(query, {"after": after, "page": PAGE}):
        for row in rows:
            source += [place[row["source"]]] * len(row["targets"])
            target += [place[entity_id] for entity_id in row["targets"]]
            for name, column in columns.items():
                column += row[name]
        after = rows[-1]["source"]
    return {
        "source": np.array(source, np.int64),
        "target": np.array(target, np.int64),
        "score": np.array(columns["scores"], np.float64),
        "logit": np.array(columns["logits"], np.float64),
        "margin": np.array(columns["margins"], np.float64),
        "provenance": np.array(columns["provenance"], dtype=object),
        "relation": True,
    }
