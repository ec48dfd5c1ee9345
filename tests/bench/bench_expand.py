"""k-hop expansion through the Python client: procedure against plain Cypher against numpy, in one interleaved run.

    python tests/bench/bench_expand.py                        # full size: loads 9.27 M relations first (minutes)
    python tests/bench/bench_expand.py --entities 2000 --relations 100000

Starts servers of its own, in `--data-dir` or a temporary folder. The graph is made from `--seed`
and kept, so that the next run with the same size and seed starts at once; `--remove` deletes it. Prints a block for
RESULTS.md; exits with 1 when a door differs or a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from servers import bench_servers

from audience_graph.graph.csr import Csr, paths, reached, walk
from audience_graph.graph.expand import Expanded, Expander, ExpandOptions, VersionRef
from audience_graph.graph.queries import Query
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.graph.walker import export

BATCH = 20_000
TYPES = 26
Bare = list[tuple[str, int, float, tuple[str, ...]]]


def query(text: str) -> Query:
    return Query(name="bench", text=text, params=(), returns=(), path=Path(__file__))


@dataclass(frozen=True)
class World:
    """Sizes and seed of a graph; targets are drawn by Zipf's law, scores evenly from (0, 1]."""

    entities: int
    relations: int
    zipf: float
    seed: int

    @property
    def version(self) -> VersionRef:
        digits = f"{zlib.crc32(repr(self).encode()):08x}"
        return VersionRef(f"2020-W01-{digits}", "2020-W01", f"RELATES_2020_W01_{digits}")

    @property
    def prefix(self) -> str:
        return f"bench/{self.version.version[-8:]}/"

    def ids(self) -> list[str]:
        return [f"{self.prefix}{i:06d}" for i in range(self.entities)]

    def draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return sources, targets, scores, ranks, sorted by source and rank."""
        pick = np.random.default_rng(self.seed)
        weights = pick.permutation(np.arange(1, self.entities + 1) ** -self.zipf)
        cumulated = np.cumsum(weights / weights.sum())
        pairs = np.empty(0, np.int64)
        while len(pairs) < self.relations:
            more = int((self.relations - len(pairs)) * 1.1) + 1000
            sources = pick.integers(0, self.entities, more)
            targets = np.searchsorted(cumulated, pick.random(more)).clip(max=self.entities - 1)
            pairs = np.unique(np.concatenate((pairs, (sources * self.entities + targets)[sources != targets])))
        pairs = np.sort(pick.choice(pairs, self.relations, replace=False))
        scores = np.maximum(np.round(pick.random(self.relations), 6), 1e-6)
        sources, targets = pairs // self.entities, pairs % self.entities
        order = np.lexsort((targets, -scores, sources))
        sources, targets, scores = sources[order], targets[order], scores[order]
        first = np.searchsorted(sources, np.arange(self.entities))
        return sources, targets, scores, np.arange(self.relations) - first[sources] + 1


def load(runner: Neo4jRunner, world: World) -> None:
    """Write the graph unless it is there; commits batch by batch, a half-written one is written anew."""
    kind, version = world.version.relation_type, world.version.version
    known = query("MATCH (v:RelationVersion {version: $version}) RETURN v.status AS status")
    if runner.read(known, {"version": version}):
        return
    remove(runner, world)
    runner.auto_commit(query("CREATE CONSTRAINT entity_id IF NOT EXISTS FOR (e:Entity) REQUIRE e.id IS UNIQUE"))
    ids = world.ids()
    entity = query("UNWIND $rows AS row CREATE (:Entity {id: row[0], name: row[1], type: row[2]})")
    for start in range(0, len(ids), BATCH):
        rows = [[e, f"entity {e[-6:]}", f"type {int(e[-6:]) % TYPES}"] for e in ids[start : start + BATCH]]
        runner.write(entity, {"rows": rows})
    columns = world.draw()
    relation = query(
        "WITH $sources AS sources, $targets AS targets, $scores AS scores, $ranks AS ranks "
        "UNWIND range(0, size(sources) - 1) AS i "
        "MATCH (u:Entity {id: sources[i]}) MATCH (v:Entity {id: targets[i]}) "
        f"CREATE (u)-[:{kind} {{score: scores[i], rank: ranks[i]}}]->(v)"
    )
    for start in range(0, world.relations, BATCH):
        sources, targets, scores, ranks = (c[start : start + BATCH].tolist() for c in columns)
        names = {"sources": [ids[i] for i in sources], "targets": [ids[i] for i in targets]}
        runner.write(relation, {**names, "scores": scores, "ranks": ranks})
        if start % (50 * BATCH) == 0:
            print(f"  {start:,} of {world.relations:,} relations", file=sys.stderr)
    runner.write(
        query(
            "MERGE (v:RelationVersion {version: $version}) "
            "SET v += {week: $week, relation_type: $kind, status: 'staged', mean_in_degree: $mean}"
        ),
        {
            "version": version,
            "week": world.version.week,
            "kind": kind,
            "mean": world.relations / len(np.unique(columns[1])),
        },
    )


def remove(runner: Neo4jRunner, world: World) -> None:
    """Delete the graph of this world; the version first, so that a stopped removal reads as not loaded."""
    runner.write(query("MATCH (v:RelationVersion {version: $v}) DELETE v"), {"v": world.version.version})
    runner.auto_commit(
        query(
            "MATCH (e:Entity) WHERE e.id STARTS WITH $prefix CALL (e) { DETACH DELETE e } IN TRANSACTIONS OF 200 ROWS"
        ),
        {"prefix": world.prefix},
    )


@dataclass
class Times:
    """Seconds of each contender, by name."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def run(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        answer = work()
        self.seconds.setdefault(name, []).append(time.perf_counter() - start)
        return answer

    def p(self, name: str, percent: float) -> float:
        """Return a percentile in milliseconds."""
        return float(np.percentile(self.seconds[name], percent)) * 1000


def in_numpy(csr: Csr, seed: str, options: ExpandOptions) -> Bare:
    """The same definition over arrays in this process, without any server."""
    layers = walk(csr, [csr.find(seed)], options)
    nodes, hops, places, relevances = (column[: options.limit].tolist() for column in reached(layers, len(csr.ids)))
    found = paths(layers, hops, places)
    return [
        (csr.ids[node], hop, relevance, tuple([csr.ids[i] for i in path]))
        for node, hop, relevance, path in zip(nodes, hops, relevances, found, strict=True)
    ]


def bare(rows: tuple[Expanded, ...]) -> Bare:
    return [(row.id, row.hop, row.relevance, row.path) for row in rows]


@dataclass(frozen=True)
class Plan:
    """One measurement: how far, from how many seeds, how often, and the bar for procedure / cypher."""

    hops: int
    seeds: int
    repeats: int
    bar: float


def measure(runner: Neo4jRunner, version: VersionRef, csr: Csr, seeds: list[str], plan: Plan) -> tuple[Times, int]:
    """Run all contenders in turn, the first of each turn rotating; return times and how many seeds came out equal."""
    expander = Expander(runner)
    options = ExpandOptions(hops=plan.hops)
    ping = query("RETURN 1 AS one")
    contenders: dict[str, Callable[[str], Any]] = {
        "procedure": lambda seed: expander.expand(version, [seed], options, door="procedure"),
        "cypher": lambda seed: expander.expand(version, [seed], options, door="cypher"),
        "numpy": lambda seed: in_numpy(csr, seed, options),
        "round trip": lambda _: runner.read(ping),
    }
    names = list(contenders)
    for name in names:  # plans, JIT, page cache
        for seed in seeds[:5] * (1 if plan.hops > 2 and name == "cypher" else 40):
            contenders[name](seed)
    times = Times()
    equal = 0
    for repeat in range(plan.repeats):
        for turn, seed in enumerate(seeds[: plan.seeds]):
            answers = {}
            for i in range(len(names)):
                name = names[(i + turn + repeat) % len(names)]
                answers[name] = times.run(name, lambda name=name, seed=seed: contenders[name](seed))
            same = answers["procedure"] == answers["cypher"] and bare(answers["procedure"]) == answers["numpy"]
            equal += same and repeat == 0
    return times, equal


def report(plan: Plan, times: Times, equal: int) -> tuple[list[str], bool]:
    """Return a table with its ratios, and whether the bars hold."""
    procedure, cypher = times.p("procedure", 50), times.p("cypher", 50)
    allowed = 3 * times.p("numpy", 50) + 3 * times.p("round trip", 50)
    held = procedure <= plan.bar * cypher and procedure <= allowed and equal == plan.seeds
    return [
        f"k = {plan.hops}, default options, best 1,000; {len(times.seconds['cypher'])} calls each:",
        "",
        "| door | p50 ms | p95 ms |",
        "|---|---|---|",
        *(f"| {name} | {times.p(name, 50):.2f} | {times.p(name, 95):.2f} |" for name in times.seconds),
        "",
        f"procedure / cypher = {procedure / cypher:.3f} (bar {plan.bar}); procedure {procedure:.2f} ms, "
        f"3 x numpy + 3 round trips = {allowed:.2f} ms; equal on {equal} of {plan.seeds} seeds",
        "",
    ], held


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=92_651)
    parser.add_argument("--relations", type=int, default=9_270_000)
    parser.add_argument("--zipf", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seeds-2", type=int, default=200, help="seeds at k = 2")
    parser.add_argument("--seeds-3", type=int, default=10, help="seeds at k = 3")
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--remove", action="store_true", help="delete the graph at the end")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    world = World(given.entities, given.relations, given.zipf, given.seed)
    with bench_servers(given.data_dir) as connections, open_runner(connections) as runner:
        setup = Times()
        setup.run("load", lambda: load(runner, world))
        seeds = [str(s) for s in np.random.default_rng(given.seed).choice(world.ids(), given.seeds_2, replace=False)]
        first = Expander(runner)
        setup.run("first", lambda: first.expand(world.version, seeds[:1], ExpandOptions(), door="procedure"))
        exported = setup.run("export", lambda: export(runner, world.version))
        text = [
            f"`{' '.join(['python tests/bench/bench_expand.py', *sys.argv[1:]])}`: "
            f"{world.entities:,} entities, {world.relations:,} relations, Zipf {world.zipf}, seed {world.seed}; "
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}. "
            f"Load {setup.p('load', 50) / 1000:.0f} s (0: was there), projection and first answer "
            f"{setup.p('first', 50) / 1000:.1f} s, export to this process {setup.p('export', 50) / 1000:.1f} s.",
            "",
        ]
        held = True
        for plan in (Plan(2, given.seeds_2, 1, 0.5), Plan(3, given.seeds_3, 3, 0.25)):
            lines, ok = report(plan, *measure(runner, world.version, exported, seeds, plan))
            text += lines
            held &= ok
        print("\n".join(text))
        if given.remove:
            remove(runner, world)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
