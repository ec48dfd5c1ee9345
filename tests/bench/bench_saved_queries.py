"""Every saved query through every door: the same rows, no label scan, and how long each takes.

    python tests/bench/bench_saved_queries.py                   the graph of the large demo world
    python tests/bench/bench_saved_queries.py --size small      a small one

Doors: Browser's HTTP endpoint and Bolt, which run the file as it is; `ag.query`; and `query run --json`, in this
process, with connecting (a process of its own takes as long to start, whatever it asks). First all doors are asked the
same and compared, row by row; then they take turns. Values are drawn from the world: for half of the draws entities
with most relations, audiences of up to 5,000 picks. Exits with 1 where doors differ, a plan scans a label, or a p95 is
over `--most` milliseconds. Starts servers of its own, in `--data-dir` or a temporary folder.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from servers import bench_servers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planned_graph import AUDIENCES, make_graph, query, summary

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.demo.world import Plan
from audience_graph.errors import NotFoundError
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.saved.definition import SavedQuery, saved_queries
from audience_graph.vectors.store import open_store
from typing_in import run_command

Rows = list[dict[str, Any]]
Door = Callable[[SavedQuery, dict[str, Any]], Rows]
CURRENT = "MATCH (:Current)-[:IS]->(v:RelationVersion) RETURN v.relation_type AS type"


def doors(connections: Connections, runner: Neo4jRunner, ag: AudienceGraph) -> dict[str, Door]:
    """Return the four doors."""
    http = runner.read(query("SHOW SETTINGS 'server.http.listen_address' YIELD value RETURN value"))[0]["value"]
    secret = base64.b64encode(f"{connections.neo4j_username}:{connections.neo4j_password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {secret}"}

    def browser(saved: SavedQuery, given: dict[str, Any]) -> Rows:
        asked = {"statements": [{"statement": saved.query.text, "parameters": saved.check(given)}]}
        address = f"http://{http}/db/{connections.neo4j_database}/tx/commit"
        request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            told = json.load(answer)["results"][0]
        return [dict(zip(told["columns"], row["row"], strict=True)) for row in told["data"]]

    def command(saved: SavedQuery, given: dict[str, Any]) -> Rows:
        words = [f"{k}={','.join(v) if isinstance(v, list) else v}" for k, v in given.items()]
        said = run_command(["query", "run", saved.name, "--json", *(w for word in words for w in ("--param", word))])
        found: Rows = json.loads(said.out)["rows"]
        return found

    return {
        "http": browser,
        "bolt": lambda saved, given: runner.read(saved.query, saved.check(given)),
        "python": lambda saved, given: list(ag.query(saved.name, **given).rows()),
        "cli": command,
    }


def draw(saved: SavedQuery, rng: np.random.Generator, pools: dict[str, list[str]], hub: bool) -> dict[str, Any]:
    """Return values for a query's parameters that have no default; of hubs, or of entities at random."""
    given: dict[str, Any] = {}
    pool = pools["hubs" if hub else "entities"]
    for parameter in saved.parameters:
        if parameter.default is not None:
            continue
        if parameter.kind == "entity":
            given[parameter.name] = str(rng.choice([one for one in pool if one not in given.values()]))
        elif parameter.kind == "texts":
            given[parameter.name] = [str(one) for one in rng.choice(pool, 3, replace=False)]
        else:
            given[parameter.name] = str(
                rng.choice(pools["words" if parameter.name == "words" else str(parameter.suggest)])
            )
    if "audience" in given:
        given["audience"] = "most" if hub else given["audience"]
    if saved.name == "find_by_words":
        given["words"] = " ".join(reversed(given["words"].split()[-2:]))
    return given


def pools_of(plan: Plan, runner: Neo4jRunner) -> dict[str, list[str]]:
    """Return what values are drawn from: by the query that suggests them, and the entities with most relations."""
    kind = runner.read(query(CURRENT))[0]["type"]
    degrees = (
        "MATCH (e:Entity) WHERE NOT e.sensitive"
        f" RETURN e.id AS id, COUNT {{ (e)-[:{kind}]->() }} AS n ORDER BY n DESC, id"
    )
    ids = [row["id"] for row in runner.read(query(degrees)) if row["n"]]
    return {
        "hubs": ids[:20],
        "entities": ids,
        "entity_types": sorted(set(plan.entities.types)),
        "audiences": list(AUDIENCES),
        "words": list(plan.entities.names),
    }


def scans(runner: Neo4jRunner, saved: SavedQuery, given: dict[str, Any]) -> list[str]:
    """Return what in a query's plans scans a label or all nodes: of the file, and of what the client runs."""
    kind = runner.read(query(CURRENT))[0]["type"]
    found: list[str] = []
    for one in (saved.query, saved.query.at_version(kind)):
        names = [name for name, _ in runner.plan(one, saved.check(given)).operators]
        found += [name for name in names if "LabelScan" in name or name.startswith("AllNodes")]
    return found


def compare(ways: dict[str, Door], saved: SavedQuery, given: dict[str, Any]) -> tuple[int, list[str]]:
    """Ask every door once; return how many rows came, and the doors that answer otherwise than Bolt."""
    told = {}
    for name, ask in ways.items():
        try:
            told[name] = ask(saved, given)
        except NotFoundError as exc:
            told[name] = [{"error": exc.message}]
    plain = {name: json.dumps(rows, sort_keys=True, default=str) for name, rows in told.items()}
    return len(told["bolt"]), [f"{saved.name} {given}: {name}" for name in ways if plain[name] != plain["bolt"]]


def percentile(times: list[float], share: float) -> float:
    """Return a percentile in milliseconds."""
    return float(np.percentile(times, share)) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="large", choices=["small", "medium", "large"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--draws", type=int, default=8, help="values of each query's parameters")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=float, default=300, help="milliseconds of p95")
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    with bench_servers(given.data_dir) as connections, tempfile.TemporaryDirectory() as folder:
        store = open_store(connections, keep=True)
        with open_runner(connections) as runner, AudienceGraph.connect(connections=connections) as ag:
            plan = make_graph(runner, store, Path(folder), given.size, given.seed)
            os.environ.update(environment(connections, folder))
            code = measure(given, plan, connections, runner, ag)
        store.close()
    return code


def environment(connections: Connections, folder: str) -> dict[str, str]:
    """Return what the command line finds these servers by."""
    return {"NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
            "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
            "DATABASE_URL": connections.database_url, "AUDIENCE_GRAPH_HOME": folder}  # fmt: skip


def measure(
    given: argparse.Namespace, plan: Plan, connections: Connections, runner: Neo4jRunner, ag: AudienceGraph
) -> int:
    """Compare the doors, let them take turns, print the table; return the exit code."""
    rng, pools, ways = np.random.default_rng(given.seed), pools_of(plan, runner), doors(connections, runner, ag)
    draws = {s: [draw(s, rng, pools, n % 2 == 0) for n in range(given.draws)] for s in saved_queries()}
    rows, different, scanned = defaultdict(list), [], []
    for saved, values in draws.items():
        for value in values:
            count, otherwise = compare(ways, saved, value)
            rows[saved].append(count)
            different += otherwise
        print(f"compared {saved.name}", file=sys.stderr)
        scanned += [f"{saved.name}: {one}" for one in scans(runner, saved, values[0])]
    times: dict[tuple[SavedQuery, str], list[float]] = defaultdict(list)
    for turn in range(given.rounds):
        print(f"round {turn + 1}", file=sys.stderr)
        for saved, values in draws.items():
            for value in values:
                for name, ask in ways.items():
                    start = time.perf_counter()
                    ask(saved, value)
                    times[saved, name].append(time.perf_counter() - start)
    for line in (*different, *scanned):
        print(line, file=sys.stderr)
    slow = [f"{s.name} by {d}" for (s, d), took in times.items() if percentile(took, 95) > given.most]
    print("RESULTS", f"`{' '.join(['python tests/bench/bench_saved_queries.py', *sys.argv[1:]])}`: "
          f"{summary(plan, runner)}, seed {given.seed}; {given.draws} draws x {given.rounds} rounds; "
          f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}.", "",
          f"Doors that differ: {len(different)}; label scans: {len(scanned)}; over {given.most:g} ms: "
          f"{', '.join(slow) or 'none'}.", "",
          "| query | rows, median (most) | " + " | ".join(f"{name}: p50 / p95 ms" for name in ways) + " |",
          "|---|---|" + "---|" * len(ways), sep="\n")  # fmt: skip
    for saved in draws:
        told = [f"{percentile(times[saved, d], 50):.0f} / {percentile(times[saved, d], 95):.0f}" for d in ways]
        print(f"| {saved.name} | {statistics.median(rows[saved]):g} ({max(rows[saved])}) | {' | '.join(told)} |")
    return 1 if different or scanned or slow else 0


if __name__ == "__main__":
    sys.exit(main())
