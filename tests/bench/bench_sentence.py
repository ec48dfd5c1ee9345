"""A sentence's vector to the best 10,000 of 1,000,000 users: exact at full width, and through the shortlist.

    python tests/bench/bench_sentence.py                       1,000,000 users x 1,024 dims, K = 10,000
    python tests/bench/bench_sentence.py --users 200000        smaller

Users and queries are drawn with a spectrum that falls as i^-0.7; `bench_ways.py` compares both on trained vectors.
Prints a RESULTS block: median and 95th percentile over queries, and the share of the exact members that the shortlist
finds.
Starts servers of its own, in `--data-dir` or a temporary folder; makes a space of its own, and drops it.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import date

import numpy as np
import pyarrow as pa
from servers import bench_servers

from audience_graph.user_text.shortlist import top_by_sentence, top_by_shortlist
from audience_graph.user_text.space import SentenceMap, TextSpace
from audience_graph.user_text.write import drop_space, open_space, update_users
from audience_graph.vectors.store import open_store

SPACE = "text_2026_w01_0000be0c"
FALL = 0.7


def spectrum(dims: int, rng: np.random.Generator) -> np.ndarray:
    """Return (dims, dims): directions by their size, largest first."""
    turn = np.linalg.qr(rng.normal(size=(dims, dims)))[0]
    return (np.arange(1, dims + 1)[:, None] ** -FALL * turn).astype(np.float32)


def draw(count: int, basis: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return unit vectors (count, dims)."""
    found = rng.normal(size=(count, len(basis))).astype(np.float32) @ basis
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--dims", type=int, default=1_024)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data-dir", default=None)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    basis = spectrum(args.dims, rng)
    with bench_servers(args.data_dir) as connections:
        store = open_store(connections, keep=True)
        ids = [f"bench{i:07d}" for i in range(args.users)]
        users = pa.table({"user_id": ids, "fingerprint": pa.array(np.ones(args.users, np.int64))})
        row = TextSpace(SPACE, "bench", args.dims, "2026-W01", date(2026, 1, 1), 14, {})
        sentences = SentenceMap("none", args.dims, folder="none/sentences")
        began = time.perf_counter()
        with store.transaction() as tx:
            drop_space(tx, SPACE)
            open_space(tx, row, sentences)
            update_users(tx, SPACE, users, lambda chosen: draw(len(chosen), basis, rng))
        written = time.perf_counter() - began
        queries = draw(args.queries, basis, rng)
        exact, short, shared = [], [], []
        for place, row_of in enumerate([queries[0], *queries]):
            query = row_of.astype(np.float16).astype(np.float64)
            with store.transaction(read_only=True, snapshot=True) as tx:
                began = time.perf_counter()
                best = top_by_sentence(tx, row, query, args.size)
                middle = time.perf_counter()
                near = top_by_shortlist(tx, SPACE, query, args.size)
                ended = time.perf_counter()
            if place:  # the first warms up
                exact.append(middle - began)
                short.append(ended - middle)
                shared.append(len(set(best.user_ids) & set(near.user_ids)) / args.size)
        with store.transaction() as tx:
            drop_space(tx, SPACE)
            tx.execute("DELETE FROM user_key WHERE user_id LIKE 'bench%%'", [])
        store.close()
    print(f"command: python tests/bench/bench_sentence.py {' '.join(sys.argv[1:])}".rstrip())
    print(
        f"data: {args.users:,} users x {args.dims:,} dims, K = {args.size:,}, {args.queries} queries, seed {args.seed}"
    )
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"written in {written:.0f} s with the shortlist")
    for name, seconds in (("exact", exact), ("shortlist", short)):
        print(f"{name:10} median {np.median(seconds):.2f} s, p95 {np.quantile(seconds, 0.95):.2f} s")
    print(f"members shared: mean {np.mean(shared):.4f}, least {np.min(shared):.4f}")


if __name__ == "__main__":
    main()
