"""The graph of a demo world without its users: entities and planted relations of two weeks, decisions, audiences.

Made by the demo's own plan: what mining would find at best, at the size that it would have. Two weeks are those of the
as-of day and of the day a week before. Audiences are picked by 20, 100, 1,000 and 5,000 entities.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph import release
from audience_graph.demo.relations import true_relations
from audience_graph.demo.sizes import AS_OF, HISTORY_DAYS
from audience_graph.demo.world import Plan, plan_world
from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest.load_entities import load_entities
from audience_graph.saved.kept import write_package
from audience_graph.vectors.store import Store
from emptied import wipe
from releases import runs

AUDIENCES = {"few": 20, "some": 100, "many": 1_000, "most": 5_000}
DECIDED = 2_000
LAST_DAY = AS_OF.date() - timedelta(days=1)


def make_graph(runner: Neo4jRunner, store: Store, folder: Path, size: str, seed: int) -> Plan:
    """Write the graph of a world in place of all that is there and publish both weeks; return its plan.

    Where the same graph was written before, it stays.
    """
    plan, rng, asked = plan_world(size, seed), np.random.default_rng(seed), {"size": size, "seed": seed}
    if runner.read(query("MATCH (m:PlannedGraph {size: $size, seed: $seed}) RETURN m"), asked):
        return plan
    wipe(runner, store)
    write_package(runner)
    file = folder / "entities.parquet"
    _entities(plan).to_parquet(file, index=False)
    load_entities(file, runner=runner)
    for weeks_ago in (1, 0):
        run = folder / f"run-{weeks_ago}"
        _write_run(run, plan, LAST_DAY - timedelta(weeks=weeks_ago), HISTORY_DAYS - 7 * weeks_ago, rng)
        release.publish(runner, store, release.stage(runner, store, run), terms=release.Terms(reason="a benchmark"))
    _decide(runner, plan, rng)
    for number, (name, picks) in enumerate(AUDIENCES.items(), 1):
        _pick(runner, plan, rng, (number, name, min(picks, len(plan.entities))))
    runner.write(query("CREATE (:PlannedGraph {size: $size, seed: $seed})"), asked)
    return plan


def _entities(plan: Plan) -> pd.DataFrame:
    found = plan.entities
    columns = {"id": found.ids, "name": found.names, "type": found.types, "description": found.descriptions}
    return pd.DataFrame(columns | {"sensitive": found.sensitive, "aliases": [list(a) for a in found.aliases]})


def _write_run(folder: Path, plan: Plan, as_of: date, day: int, rng: np.random.Generator) -> None:
    """Write a finished mining run whose relations are the true ones of a day, scored around their grade."""
    year, week, _ = as_of.isocalendar()
    ids = np.array(plan.entities.ids)
    runs.write_run(folder, runs.World(entities=2, week=f"{year}-W{week:02d}", as_of=as_of, seed=day, auc=None))
    pq.write_table(
        pa.table({"entity_id": ids, "name": plan.entities.names, "type": plan.entities.types}),
        folder / "entities.parquet",
    )
    np.save(folder / "entity_vectors.npy", rng.normal(size=(len(ids), 8)).astype(np.float32))
    pq.write_table(pa.table({"entity_id": ids, "threshold": np.zeros(len(ids))}), folder / "thresholds.parquet")
    pq.write_table(runs.table([]), folder / "sequences.parquet")
    true = true_relations(plan.entities, plan.services, day)
    score = np.round(np.where(true["grade"] == 1, 0.9, 0.55) + rng.uniform(-0.09, 0.09, len(true)), 6)
    told = {"source_id": true["source_id"], "target_id": true["target_id"], "score": score}
    told |= {"logit": np.log(score / (1 - score)), "margin": score - 0.4, "rank": np.ones(len(true), np.int32)}
    pq.write_table(pa.table(told | {"provenance": ["both"] * len(true)}), folder / "relations.parquet")


def _decide(runner: Neo4jRunner, plan: Plan, rng: np.random.Generator) -> None:
    """Confirm and reject random pairs, and say how many users meet each entity."""
    for kind in ("CONFIRMED", "REJECTED"):
        pairs = rng.choice(plan.entities.ids, (DECIDED, 2)).tolist()
        text = (
            "UNWIND $pairs AS p MATCH (a:Entity {id: p[0]}) MATCH (b:Entity {id: p[1]}) WHERE a <> b"
            f" MERGE (a)-[r:{kind}]->(b)"
            " SET r = {score: .7, sources: ['marketer'], by: 'mia', at: datetime(), note: ''}"
        )
        runner.write(query(text), {"pairs": pairs})
    reach = [
        [i, int(n) * 10] for i, n in zip(plan.entities.ids, rng.zipf(1.6, len(plan.entities)) % 10_000, strict=True)
    ]
    runner.write(query("UNWIND $rows AS r MATCH (e:Entity {id: r[0]}) SET e.reach = r[1]"), {"rows": reach})


def _pick(runner: Neo4jRunner, plan: Plan, rng: np.random.Generator, audience: tuple[int, str, int]) -> None:
    """Write which entities an audience is picked by, and how they did."""
    number, name, count = audience
    chosen = rng.choice(plan.entities.ids, count, replace=False).tolist()
    picked = [{"id": i, "hop": n % 3, "relevance": round(1 - n / (2 * count), 6)} for n, i in enumerate(chosen)]
    who = {"audience": number, "name": name}
    runner.write(load_query("audiences/write_picked"), {**who, "picked": picked, "by": "mia", "at": AS_OF})
    lifts = rng.uniform(0.5, 3, count).round(3).tolist()
    performed = [
        {"id": i, "exposures": 1000, "conversions": 100, "lift": x, "lift_low": x - 0.4, "lift_high": x + 0.4}
        for i, x in zip(chosen, lifts, strict=True)
    ]
    runner.write(load_query("audiences/write_performed"), {**who, "performed": performed, "as_of": AS_OF})


def query(text: str) -> Query:
    """Return a query of this benchmark's own."""
    return Query("bench/planned_graph", text, (), (), Path(__file__))


def summary(plan: Plan, runner: Neo4jRunner) -> str:
    """Return the size of the graph in words."""
    rows = runner.read(query("MATCH (v:RelationVersion) RETURN v.relations AS n ORDER BY v.week"))
    told = " and ".join(f"{row['n']:,}" for row in rows)
    return f"{plan.size.name}, {len(plan.entities):,} entities, {told} relations in two weeks"
