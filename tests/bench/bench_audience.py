"""Audiences over many users: size with its waterfall, and from a phrase to a saved snapshot.

    python tests/bench/bench_audience.py                       1,000,000 users
    python tests/bench/bench_audience.py --users 100000        smaller

Each round asks for another phrase, with filters over two columns, an exclusion by events and one by an audience, first
with nothing remembered (a new client), then again with another filter value, as a marketer moves a slider. The snapshot
rounds: phrase -> resolve -> expansion -> pick -> best 10,000 -> revision and snapshot with members, each of a new
phrase. Beside it, in the same rounds, the peer: the filters' steps as one SQL statement that counts. Starts servers of
its own, in `--data-dir` or a temporary folder; the world is made once per folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from million_users import make_world
from servers import bench_servers

from audience_graph.audience.audience import Audience, column, event
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.runner import open_runner
from audience_graph.vectors.store import open_store

# The same steps for somebody who writes SQL: one pass that counts, without a ranking.
_PEER = """
WITH told AS MATERIALIZED (
    SELECT p.key, (p.columns->>'age')::float8 >= %(age)s AS old, p.columns->>'city' = ANY (%(cities)s) AS near,
           EXISTS (SELECT FROM user_event e
                   WHERE e.key = p.key AND e.entity_ids @> %(ids)s AND e.time >= %(start)s) AS did
    FROM user_profile p WHERE latest)
SELECT count(*), count(*) FILTER (WHERE old), count(*) FILTER (WHERE old AND near),
       count(*) FILTER (WHERE old AND near AND NOT did) FROM told
"""


def asked(ag: AudienceGraph, service: int, age: int, size: int) -> Audience:
    """Return an audience of a phrase with filters and exclusions."""
    cities = [f"city {n}" for n in range(service % 20, service % 20 + 20)]
    filters = (column("age") >= age, column("city").one_of(*cities))
    fans = ag.audience(f"service {service}", size=size).where(*filters)
    return fans - event(f"service {service + 200}", days=7) - ag.audiences.get("last campaign")


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def told(values: Sequence[float]) -> str:
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    return f"{middle:.2f} | {np.quantile(values, 0.95):.2f} | {low:.2f}-{high:.2f}"


def measure(connections: Connections, given: argparse.Namespace) -> dict[str, list[float]]:
    rng = np.random.default_rng(given.seed)
    phrases = rng.choice(4000, size=given.rounds * 2, replace=False)
    found: dict[str, list[float]] = {name: [] for name in ("cold", "warm", "peer", "snapshot")}
    store = open_store(connections, keep=True)
    with AudienceGraph.connect(connections=connections) as ag:
        ag.audience("service 1", size=20_000).take("last campaign")
        for n, service in enumerate(phrases[: given.rounds].tolist()):
            with AudienceGraph.connect(connections=connections) as fresh:
                fresh.resolve(f"service {service}")  # connected, nothing else
                found["cold"].append(seconds(asked(fresh, service, 30 + n % 10, given.size).size))
                found["warm"].append(seconds(asked(fresh, service, 45 + n % 10, given.size).size))
            parameters = {"age": 30 + n % 10, "cities": [f"city {c}" for c in range(20)], "ids": [f"e{service:05d}"],
                          "start": "2026-07-20"}  # fmt: skip
            with store.transaction(read_only=True) as tx:
                found["peer"].append(seconds(lambda tx=tx, parameters=parameters: tx.rows(_PEER, parameters)))
        for service in phrases[given.rounds :].tolist():
            audience = ag.audience(f"service {service}", size=given.size)
            found["snapshot"].append(seconds(lambda a=audience: a.take("bench")))
    store.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    with bench_servers(given.data_dir) as connections:
        store = open_store(connections, keep=True)
        with open_runner(connections) as runner:
            make_world(runner, store, given.users)
        store.close()
        found = measure(connections, given)
    rows = {
        "cold": "size with waterfall, nothing remembered",
        "warm": "the same phrase, another age: the ranking is remembered",
        "peer": "peer: one SQL statement that counts the filters' steps, no ranking",
        "snapshot": f"phrase -> expansion -> best {given.size:,} -> saved snapshot",
    }
    print(
        "RESULTS",
        f"`{' '.join(['python tests/bench/bench_audience.py', *sys.argv[1:]])}`: {given.users:,} users, "
        f"{given.rounds} rounds, seed {given.seed}; {os.cpu_count()} cores, {platform.machine()}.",
        "",
        "| what | p50 s | p95 s | range |",
        "|---|---|---|---|",
        *(f"| {text} | {told(found[name])} |" for name, text in rows.items()),
        sep="\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
