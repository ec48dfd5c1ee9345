"""Make run folders of any size from a seed, and put their entities into the graph."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Runner

AS_OF = date(2026, 7, 26)
KINDS = np.array(["co-occurrence", "semantic", "both", "explored"])


@dataclass(frozen=True)
class World:
    """Sizes and seed of a run; equal worlds give equal content."""

    entities: int = 30
    degree: int = 5
    users: int = 40
    dims: int = 8
    seed: int = 1
    week: str = "2026-W30"
    as_of: date = AS_OF
    zipf: float = 0.6
    days: int = 30
    auc: float | None = 0.9  # validation AUC that the run reports

    @property
    def ids(self) -> list[str]:
        return [f"e{i:05d}" for i in range(self.entities)]


def load_entities(runner: Runner, ids: list[str]) -> None:
    """Create entities straight in the graph, as loading would."""
    text = "UNWIND $ids AS id MERGE (e:Entity {id: id}) SET e.name = 'Name ' + id, e.type = 'thing', e.aliases = []"
    runner.write(Query("tests/entities", text, ("ids",), (), Path(__file__)), {"ids": ids})


def write_run(folder: Path, world: World) -> Path:
    """Write a finished mining run and return its folder."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(world.seed)
    head = {"run_id": folder.name, "kind": "mine", "week": world.week, "as_of": world.as_of.isoformat()}
    (folder / "run.json").write_text(
        json.dumps({**head, "config": {"model": "planted", "days": world.days}, "seed": world.seed})
    )
    shuffled = rng.permutation(world.entities)  # index order of a run is its own, not that of the ids
    ids = np.array(world.ids)[shuffled]
    pq.write_table(pa.table({"entity_id": ids, "name": ids, "type": ["thing"] * len(ids)}), folder / "entities.parquet")
    np.save(folder / "entity_vectors.npy", rng.normal(size=(len(ids), world.dims)).astype(np.float32))
    pq.write_table(pa.table({"entity_id": ids, "threshold": rng.normal(size=len(ids))}), folder / "thresholds.parquet")
    pq.write_table(relations(world, ids, rng), folder / "relations.parquet")
    pq.write_table(sequences(world, rng), folder / "sequences.parquet")
    (folder / "metrics.json").write_text(json.dumps({"validation_auc": world.auc, "by_kind": {"semantic": 3}}))
    (folder / "done").write_text("")
    return folder


def relations(world: World, ids: np.ndarray, rng: np.random.Generator) -> pa.Table:
    """About `degree` relations per entity, targets by Zipf; scores with ties."""
    weights = 1 / np.arange(1, len(ids) + 1) ** world.zipf
    source = np.repeat(np.arange(len(ids)), world.degree)
    target = rng.choice(len(ids), size=len(source), p=weights / weights.sum())
    pairs = np.unique(source * len(ids) + target)
    source, target = pairs // len(ids), pairs % len(ids)
    source, target = source[source != target], target[source != target]
    score = rng.integers(1, 100, len(source)) / 100
    return pa.table(
        {
            "source_id": ids[source],
            "target_id": ids[target],
            "score": score,
            "logit": np.log(score / (1 - score)),
            "margin": rng.random(len(source)),
            "rank": np.ones(len(source), dtype=np.int32),
            "provenance": KINDS[rng.integers(0, len(KINDS), len(source))],
        }
    )


def sequences(world: World, rng: np.random.Generator) -> pa.Table:
    """Zero to six events per user within the window, one or two entities each."""
    rows: list[tuple[str, str, str, datetime, str]] = []
    end = datetime.combine(world.as_of, datetime.max.time(), UTC).replace(microsecond=0)
    for user in range(world.users):
        for event in range(int(rng.integers(0, 7))):
            time = end - timedelta(minutes=int(rng.integers(0, world.days * 24 * 60)))
            for entity in rng.choice(world.entities, size=int(rng.integers(1, 3)), replace=False):
                rows.append(
                    (f'user {user}, "{user}"', world.ids[entity], f"ev-{world.seed}-{user}-{event}", time, "search")
                )
    return table(rows)


def table(rows: list[tuple[str, str, str, datetime, str]]) -> pa.Table:
    """Rows of (user_id, entity_id, event_id, time, channel) as the table that sequences are."""
    rows = sorted(rows, key=lambda row: (row[0], row[3], row[2], row[1]))
    names = ("user_id", "entity_id", "event_id", "time", "channel")
    types = (pa.string(), pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.string())
    columns = [pa.array([row[i] for row in rows], t) for i, t in enumerate(types)]
    return pa.table(columns, names=list(names))
