"""Send 1,000,000 members of a snapshot to files: seconds of choosing who leaves, of writing, and the most memory.

    python tests/bench/bench_export.py [--users 1000000]

Starts servers of its own, in `--data-dir` or a temporary folder. Everybody has consent for three purposes, one in a
hundred withdrew it, one in ten is held out. Its users are removed at the end.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from servers import bench_servers

from audience_graph.audience.keep.snapshots import Members, write_snapshot
from audience_graph.audience.send.exports import Exports
from audience_graph.vectors.store import Store, open_store
from sending.world import Draft, add_audience

NAME = "bench export"


def prepare(store: Store, users: int) -> None:
    """Write users, contacts, consent and a snapshot of all of them."""
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) SELECT 'bench ' || n FROM generate_series(1, %s) n", (users,))
        tx.execute(
            "INSERT INTO user_profile (key, as_of, columns, latest) SELECT key, '2026-01-01', "
            "jsonb_build_object('mail', user_id || '@example.com'), true FROM user_key WHERE user_id LIKE 'bench %%'",
            (),
        )
        for purpose in ("bench", "bench b", "bench c"):
            tx.execute(
                "INSERT INTO consent (key, purpose, granted, as_of) SELECT key, %s, key %% 100 <> 0, '2026-01-01' "
                "FROM user_key WHERE user_id LIKE 'bench %%'",
                (purpose,),
            )
        rows = tx.rows("SELECT array_agg(key ORDER BY key) AS keys FROM user_key WHERE user_id LIKE 'bench %'")
        keys = np.random.default_rng(1).permutation(np.array(rows[0]["keys"], np.int64))
        members = Members(keys, np.linspace(1, 0, users), np.zeros(users, np.int16))
        write_snapshot(tx, Draft(add_audience(tx, NAME), "bench", 0.0, "bench"), members)
    with store.transaction() as tx:
        for table in ("user_key", "user_profile", "consent", "audience_member"):
            tx.execute(f"ANALYZE {table}")


def remove(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute("DELETE FROM audience WHERE name = %s", (NAME,))
        tx.execute("DELETE FROM user_key WHERE user_id LIKE 'bench %'")


def measure(exports: Exports, folder: Path) -> None:
    for ending in ("parquet", "csv"):
        began, first = time.perf_counter(), []

        def tell(step: str, done: int, total: int, first: list[float] = first) -> None:  # noqa: ARG001
            first.append(time.perf_counter())

        path = folder / f"users.{ending}"
        exports.send(NAME, path, purpose="bench", columns=["user_id", "score", "arm"], progress=tell)
        end = time.perf_counter()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{ending}: {end - began:.1f} s, of which choosing "
            f"{first[0] - began:.1f} s; {path.stat().st_size / 1e6:.0f} MB; at most {most:.2f} GiB in this process"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--data-dir", default=None)
    asked = parser.parse_args()
    with bench_servers(asked.data_dir) as connections, tempfile.TemporaryDirectory() as folder:
        store = open_store(connections)
        remove(store)
        try:
            prepare(store, asked.users)
            exports = Exports(store)
            exports.hold_out(NAME, 0.1)
            measure(exports, Path(folder))
        finally:
            remove(store)


if __name__ == "__main__":
    main()
