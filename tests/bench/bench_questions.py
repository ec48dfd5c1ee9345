"""Random pairs of audience questions: set algebra, and what their answers tell of small groups.

    python tests/bench/bench_questions.py                      10,000 pairs over 4,000 users
    python tests/bench/bench_questions.py --pairs 500          fewer

Every size that is shown on the way (waterfalls of both, union, overlap, differences) is remembered with its set, and
after every `--askers`-th part of the pairs all of them are held against each other: see `tests/audiences/questions.py`.
Then another asker starts, with an empty ledger. Beside it, in the same run, what
rounding alone would tell. Starts servers of its own, in `--data-dir` or a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from million_users import make_world
from servers import bench_servers

sys.path.insert(0, str(Path(__file__).parents[1]))

from audience_graph.audience.audience import column, event, users
from audience_graph.audience.define.definition import Definition
from audience_graph.audience.evaluate.keysets import count
from audience_graph.audience.safety.disclosure import show_sizes
from audience_graph.client import AudienceGraph
from audience_graph.graph.runner import open_runner
from audience_graph.vectors.store import Store, open_store
from audiences.questions import Shown, asked, random_definition, violations

PLAIN = 100


def leaves(ag: AudienceGraph, rng: np.random.Generator) -> list[Definition]:
    """Return rankings, filters and lists of sizes on both sides of the minimum, many a few users apart."""
    sizes = [40, 99, 100, 101, 130, 250, 255, 600, 1500]
    given = [ag.audience(f"service {s}", size=int(n)) for s in rng.integers(0, 400, 6) for n in rng.choice(sizes, 4)]
    given += [ag.audience(f"service {s}", width="broad") for s in rng.integers(0, 400, 3)]
    given += [column("age") >= int(age) for age in (18, 19, 20, 40, 78, 79)]
    given += [column("city") == f"city {n}" for n in range(4)] + [column("tier").one_of(1, 2)]
    given += [event([f"service {s}" for s in rng.integers(0, 400, 9)], days=int(d)) for d in (7, 30)]
    given += [users([f"u{n}" for n in range(1, last)]) for last in (2, 60, 140, 2000)]
    return [audience.definition for audience in given]


def ask(ag: AudienceGraph, store: Store, rng: np.random.Generator, pairs: int) -> Counter[str]:
    """Ask about random pairs; return how many sizes were asked for and shown, how many violations and leaks."""
    shown, plain, broken = Shown(), Shown(), 0
    desk, pool = ag.audiences.everyone().desk, leaves(ag, rng)
    assert desk is not None
    with desk.evaluation() as evaluation:
        for n in range(pairs):
            a, b = (random_definition(rng, pool) for _ in range(2))
            broken += len(violations(evaluation, a, b))
            sets = asked(evaluation, a, b)
            shown.add(sets, show_sizes(store, sets))
            if n < PLAIN:
                plain.add(sets, [None if count(m) < 100 else (count(m) + 5) // 10 * 10 for m in sets])
    return Counter(
        asked=len(shown.sizes),
        shown=sum(n is not None for n in shown.numbers),
        small=sum(0 < n < 100 for n in shown.sizes),
        violations=broken,
        leaks=len(shown.leaks()),
        plain=len(plain.leaks()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--askers", type=int, default=5)
    parser.add_argument("--users", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    rng, total = np.random.default_rng(given.seed), Counter[str]()
    with bench_servers(given.data_dir) as connections:
        store = open_store(connections, keep=True)
        with open_runner(connections) as runner:
            make_world(runner, store, given.users)
        start = time.perf_counter()
        for _ in range(given.askers):
            with store.transaction() as tx:
                tx.execute("TRUNCATE disclosed")
            with AudienceGraph.connect(connections=connections) as ag:
                total += ask(ag, store, rng, given.pairs // given.askers)
            print(dict(total), f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
        took = time.perf_counter() - start
        store.close()
    print(
        "RESULTS",
        f"`{' '.join(['python tests/bench/bench_questions.py', *sys.argv[1:]])}`: {given.pairs:,} pairs over "
        f"{given.users:,} users, seed {given.seed}; {os.cpu_count()} cores, {platform.machine()}; {took:.0f} s.",
        "",
        "| what | count |",
        "|---|---|",
        f"| sizes asked for, by {given.askers} askers in turn | {total['asked']:,} |",
        f"| of them shown / of sets of 1 to 99 users | {total['shown']:,} / {total['small']:,} |",
        f"| violations of set algebra | {total['violations']:,} |",
        f"| leaks | {total['leaks']:,} |",
        f"| leaks with rounding and the minimum alone, first {PLAIN} pairs of each asker | {total['plain']:,} |",
        sep="\n",
    )
    return 0 if total["violations"] == total["leaks"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
