"""How far the shares of a score are from it, for many random users, members and not; how long one explanation takes.

    audience-graph demo --data-dir HOME                      once: a home to measure on
    python tests/bench/bench_explain.py --data-dir HOME      10,000 random users of each audience

Takes a snapshot of an audience of each kind of ranking, explains random users by what the snapshot stores, and compares
the sum of the parts with the score: the stored one of members, that of the ranking of the others. `bare` is what the
parts would miss if the rounding of stored vectors were left out of them. Where a home holds fewer users than are asked
for, each is drawn several times. Prints a RESULTS block.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass

import numpy as np
from servers import bench_servers

from audience_graph.audience.audience import Audience
from audience_graph.audience.keep.snapshots import read_members, read_snapshot
from audience_graph.audience.why.many import Many, explain_many, sides_of
from audience_graph.client import AudienceGraph
from audience_graph.vectors.topk import entity_vectors


@dataclass(frozen=True)
class Measured:
    """Of one audience: users drawn, members among them, and by user what the sums miss, relative to the score."""

    name: str
    users: int
    members: int
    with_rounding: np.ndarray
    without: np.ndarray
    bare: np.ndarray
    whole: float
    seconds: np.ndarray


def audiences(ag: AudienceGraph, phrase: str, size: int) -> dict[str, Audience]:
    """Return an audience of each way that the release has."""
    both = ag.releases().rows()
    text = next((row for row in both if row.get("status") == "current"), {}).get("user_text_space")
    best = list(ag.target(phrase, 50, method="graph").user_ids)
    found = {"graph": ag.audience(phrase, size=size, method="graph"),
             "alike": ag.lookalike(best, size=size, method="graph")}  # fmt: skip
    if text:
        found["both"] = ag.audience(phrase, size=size, method="both")
    return found


def measure(ag: AudienceGraph, name: str, audience: Audience, given: argparse.Namespace) -> Measured:
    rng = np.random.default_rng(given.seed)
    taken = audience.take(f"bench explain {name}")
    assert audience.desk is not None
    with audience.desk.evaluation() as evaluation:
        tx = evaluation.request.tx
        question = read_snapshot(tx, taken.snapshot).questions[0]
        members = read_members(tx, taken.snapshot)
        chosen = evaluation.chosen(audience.definition)
        population = evaluation.universe.of_keys(chosen.eligible_keys)
        users = rng.choice(chosen.eligible_keys, given.users, replace=given.users > len(chosen.eligible_keys))
        many = explain_many(evaluation.scorer(), question, users, population)
        stored = dict(zip(chosen.eligible_keys.tolist(), chosen.eligible_scores.tolist(), strict=True))
        stored |= dict(zip(members.keys.tolist(), members.scores.tolist(), strict=True))
        scores = np.array([stored[key] for key in many.keys.tolist()])
        sums, rounding, whole = told(many)
        bare = sums if many.split is None or many.shares is not None else sums_of_entities(evaluation, question, many)
        ids = {r["key"]: r["user_id"] for r in tx.rows("SELECT key, user_id FROM user_key")}
    about = ag.audiences.snapshot(taken.snapshot)
    seconds = []
    for key in users[: given.singles].tolist():
        start = time.perf_counter()
        ag.explain(ids[key], about)
        seconds.append(time.perf_counter() - start)
    share = np.maximum(np.abs(scores), 1e-12)
    return Measured(
        name,
        len(users),
        int(np.isin(users, members.keys).sum()),
        np.abs(sums + rounding - scores) / share,
        np.abs(sums - scores) / share,
        np.abs(bare - scores) / share,
        float(whole.mean()),
        np.array(seconds),
    )


def told(many: Many) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, by user, the sum of the shares, the rounding beside it, and whether the events are the vector's."""
    if many.shares is not None:
        sums = many.shares.graph + many.shares.sentence
        return sums, np.zeros_like(sums), np.ones(len(sums), np.bool_)
    split = many.split
    assert split is not None
    return np.bincount(split.user, split.parts, len(split.keys)), split.rounding, split.whole


def sums_of_entities(evaluation, question: dict, many: Many) -> np.ndarray:
    """Return the means of h_e . q over the users' mentions: the vectors before they were rounded to be stored."""
    split = many.split
    assert split is not None
    (side,) = sides_of(evaluation.request.tx, evaluation.request.read, question)
    vectors = entity_vectors(evaluation.request.tx, side.space, split.entities)
    products = np.array([float(vectors[e] @ side.query) for e in split.entities])
    length = np.bincount(split.user, split.mentions, len(split.keys))
    return np.bincount(split.user, split.mentions * products[split.entity], len(split.keys)) / length


def line(found: Measured) -> str:
    worst = [f"{np.max(values):.1e}" for values in (found.with_rounding, found.without, found.bare)]
    return (
        f"| {found.name} | {found.users:,} | {found.members:,} | {' | '.join(worst)} | {np.median(found.bare):.1e} | "
        f"{found.whole:.2%} | {np.quantile(found.seconds, 0.95):.3f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True, help="home of a demo world; its servers are started where down")
    parser.add_argument("--users", type=int, default=10_000, help="random users of each audience")
    parser.add_argument("--singles", type=int, default=100, help="of these, explained one by one through the client")
    parser.add_argument("--phrase", default="sun protection")
    parser.add_argument("--size", type=int, default=1000, help="members of each audience")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with bench_servers(given.data_dir, heap="1g") as connections:
        with AudienceGraph.connect(connections=connections, actor="bench") as ag:
            found = [measure(ag, name, a, given) for name, a in audiences(ag, given.phrase, given.size).items()]
    print(f"`{' '.join(['python tests/bench/bench_explain.py', *sys.argv[1:]])}`: {os.cpu_count()} cores. Worst of all "
          "users, relative to the score:\n")  # fmt: skip
    print("| ranking | users | members | parts + rounding | parts alone | bare | bare, median | whole | p95 s |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(line(one) for one in found))
    return 0 if all(np.max(one.with_rounding) <= 1e-4 and one.whole == 1.0 for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
