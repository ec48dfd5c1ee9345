"""Exact top-K of all users by a parallel halfvec scan, against numpy brute force and a pgvector HNSW index.

    python tests/bench/bench_target.py                       1,000,000 users x 64 dims, K = 10,000
    python tests/bench/bench_target.py --users 200000        smaller

Prints a RESULTS block. Starts servers of its own, in `--data-dir` or a temporary folder; makes a space of its own and
drops it. The index is built over the first `--indexed` users (over a million it takes minutes); the exact scan of the
same users stands beside it.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from pgvector import HalfVector
from servers import bench_servers

from audience_graph.vectors.packing import HEADER, TRAILER, pack_users
from audience_graph.vectors.store import Store, open_store
from audience_graph.vectors.topk import plan_of_top, top_users

BLOCK = 100_000


def blocks(keys: np.ndarray, vectors: np.ndarray) -> Iterator[bytes]:
    yield HEADER
    for start in range(0, len(vectors), BLOCK):
        part = slice(start, start + BLOCK)
        yield pack_users(keys[: len(vectors)][part], np.zeros_like(keys[: len(vectors)][part]), vectors[part])
    yield TRAILER


def make_users(store: Store, count: int) -> np.ndarray:
    """Add users and return their keys, in order."""
    with store.transaction() as tx:
        tx.execute("DELETE FROM user_key WHERE user_id LIKE 'bench%%'", [])
        tx.execute("INSERT INTO user_key (user_id) SELECT 'bench' || n FROM generate_series(1, %s::bigint) n", [count])
        tx.execute("ANALYZE user_key")
        rows = tx.rows("SELECT array_agg(key ORDER BY key) AS keys FROM user_key WHERE user_id LIKE 'bench%%'", [])
    return np.array(rows[0]["keys"], dtype=np.int64)


def load(store: Store, space: str, keys: np.ndarray, vectors: np.ndarray) -> None:
    table = f"user_vector_{space}"
    with store.transaction() as tx:
        tx.execute(f"DROP TABLE IF EXISTS {table}")
        tx.execute(
            f"CREATE TABLE {table} (key bigint NOT NULL, vector halfvec({vectors.shape[1]}) NOT NULL, "
            "fingerprint bigint NOT NULL)"
        )
        tx.execute(f"ALTER TABLE {table} ALTER vector SET STORAGE PLAIN, SET (parallel_workers = 4)")
        tx.copy_blocks(table, ("key", "vector", "fingerprint"), blocks(keys, vectors))
        tx.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (key)")
        tx.execute(f"ANALYZE {table}")


def timed(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the median seconds of `repeats` runs after one to warm up, and the last result."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def scan(store: Store, space: str, query: np.ndarray, size: int) -> Any:
    with store.transaction(read_only=True, snapshot=True) as tx:
        return top_users(tx, space, query, size)


def brute_force(vectors: np.ndarray, query: np.ndarray, size: int) -> np.ndarray:
    scores = vectors @ query.astype(np.float32)
    best = np.argpartition(-scores, size - 1)[:size]
    return best[np.lexsort((best, -scores[best]))]


def hnsw(store: Store, space: str, query: np.ndarray, size: int) -> list[int]:
    with store.transaction(read_only=True) as tx:
        tx.rows(
            "SELECT set_config('hnsw.ef_search', '1000', true), set_config('hnsw.iterative_scan', 'strict_order', true)"
        )
        tx.rows("SELECT set_config('enable_seqscan', 'off', true), set_config('hnsw.max_scan_tuples', '1000000', true)")
        rows = tx.rows(
            f"SELECT key FROM user_vector_{space} ORDER BY vector <#> %(query)s LIMIT %(size)s",
            {"query": HalfVector(query), "size": size},
        )
    return [row["key"] for row in rows]


def measure(given: argparse.Namespace, store: Store) -> tuple[list[str], int]:
    """Return the lines of the block, and how many members of the exact top K the scan found."""
    rng = np.random.default_rng(given.seed)
    vectors = rng.normal(size=(given.users, given.dims)).astype(np.float16).astype(np.float32)
    query = rng.normal(size=given.dims).astype(np.float16).astype(np.float64)
    keys = make_users(store, given.users)
    start = time.perf_counter()
    load(store, "bench", keys, vectors)
    loaded = time.perf_counter() - start
    exact, found = timed(lambda: scan(store, "bench", query, given.size), given.repeats)
    peer, wanted = timed(lambda: brute_force(vectors, query, given.size), given.repeats)
    with store.transaction(read_only=True) as tx:
        ids = {r["user_id"]: r["key"] for r in tx.rows("SELECT user_id, key FROM user_key")}
        workers = "parallel" if "Parallel Seq Scan" in plan_of_top(tx, "bench", query, given.size) else "serial"
    same = len({ids[u] for u in found.user_ids} & set(keys[wanted].tolist()))
    lines = [
        f"`{' '.join(['python tests/bench/bench_target.py', *sys.argv[1:]])}`: {given.users:,} users x {given.dims} "
        f"dims, K = {given.size:,}; {os.cpu_count()} cores, {platform.machine()}; load {loaded:.0f} s; {workers} scan.",
        "",
        "| way | p50 s | members of the exact top K |",
        "|---|---|---|",
        f"| halfvec scan, with user ids and the number eligible | {exact:.3f} | {same:,} of {given.size:,} |",
        f"| numpy float32, vectors in memory | {peer:.3f} | {given.size:,} of {given.size:,} |",
    ]
    if given.indexed:
        part = vectors[: given.indexed]
        load(store, "bench_indexed", keys, part)
        near, _ = timed(lambda: scan(store, "bench_indexed", query, given.size), given.repeats)
        start = time.perf_counter()
        with store.transaction() as tx:
            tx.execute("CREATE INDEX ON user_vector_bench_indexed USING hnsw (vector halfvec_ip_ops)")
        built = time.perf_counter() - start
        indexed, approximate = timed(lambda: hnsw(store, "bench_indexed", query, given.size), 3)
        truth = set(keys[brute_force(part, query, given.size)].tolist())
        lines += [
            f"| halfvec scan over {given.indexed:,} users | {near:.3f} | {given.size:,} of {given.size:,} |",
            f"| HNSW over the same, ef 1,000, built in {built:.0f} s, keys alone | {indexed:.3f} | "
            f"{len(truth & set(approximate)):,} of {given.size:,} |",
        ]
    with store.transaction() as tx:
        tx.execute("DROP TABLE IF EXISTS user_vector_bench, user_vector_bench_indexed")
        tx.execute("DELETE FROM user_key WHERE user_id LIKE 'bench%%'", [])
    return lines, same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, default=64)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--indexed", type=int, default=100_000, help="users under the HNSW index; 0 = none")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    with bench_servers(given.data_dir) as connections:
        store = open_store(connections, keep=True)
        lines, same = measure(given, store)
        store.close()
    print("RESULTS", *lines, sep="\n")
    return 0 if same >= given.size - 5 else 1


if __name__ == "__main__":
    sys.exit(main())
