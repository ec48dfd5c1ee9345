"""The loop: three rounds of target -> results -> confirm -> mine, and what they do to the lift of users never asked.

    audience-graph demo --size medium --data-dir world
    python tests/bench/bench_loop.py --data-dir world

Half of the users, by a hash of their ids, get the campaigns: for every phrase of the world the best 15 % of those who
have not met its entity, sent and answered by what they did in the two weeks after the last event. The results decide
relations (`results learn`), and the entities that they suggest are confirmed as relations of the phrase's own, as a
marketer who follows every suggestion would. Then the week is mined again. The other half, whom no campaign saw, judges:
lift at 5 % before and after each round, with the 95 % interval of the paired difference of the phrases' lifts
(bootstrap over phrases, 10,000 draws) and of their median's. Users differ, the two weeks are the same: what is learned
is what an interest leads to, not who acts.

The stores of WORLD are changed: decisions and versions stay there.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from audience_graph import AudienceGraph, event, users
from audience_graph.demo.evaluation import Truth, read_truth, targeting_quality
from audience_graph.errors import AudienceGraphError

DRAWS = 10_000


def half(user: str) -> bool:
    """Say whether a user gets campaigns."""
    return hashlib.sha256(f"loop:{user}".encode()).digest()[0] < 128


def judge(ag: AudienceGraph, truth: Truth) -> np.ndarray:
    """Return the lift of every phrase over the users whom no campaign saw."""

    def target(phrase: str, size: int) -> dict[str, float]:
        best = ag.target(phrase, size, method="graph")
        return dict(zip(best.user_ids, best.scores.tolist(), strict=True))

    return np.array([one.lift for one in targeting_quality(truth, target)])


def campaigns(ag: AudienceGraph, truth: Truth, asked: list[str], out: Path) -> dict[str, int]:
    """Send a campaign for each phrase, load what came back, learn; return how many relations were decided."""
    counts = {"sent": 0, "learned": 0, "suggested": 0}
    mine = users(asked)
    for phrase, entity in truth.phrases:
        acted = set(truth.users[truth.acted[entity]])
        name, file = f"loop {phrase}", out / "sent.csv"
        audience = ag.audience(phrase, width="broad", method="graph").where(mine, ~event([entity]))
        try:
            audience.take(name)
            export = ag.exports.send(name, file, purpose="marketing", destination=phrase)
        except AudienceGraphError:  # too few users
            continue
        sent = file.read_text(encoding="utf-8").split()[1:]
        rows = "".join(f"{user},1,{int(user in acted)}\n" for user in sent)
        (out / "results.csv").write_text("user_id,exposures,conversions\n" + rows, encoding="utf-8")
        ag.results.load(out / "results.csv", export.id)
        learned = ag.results.learn(export.id)
        counts["sent"] += 1
        counts["learned"] += sum(not lesson.kept for lesson in learned.lessons)
        for found in ag.results.suggest(export.id).entities:
            if found.id != entity:
                ag.decisions.confirm(entity, found.id, by_source="result", note=f"suggested for {phrase}")
                counts["suggested"] += 1
    return counts


def interval(after: np.ndarray, before: np.ndarray) -> tuple[str, str]:
    """Return the mean paired difference, and that of the medians, each with its 95 % interval over phrases."""
    rng = np.random.default_rng(7)
    keep = ~(np.isnan(after) | np.isnan(before))
    after, before = after[keep], before[keep]
    drawn = rng.integers(0, len(after), (DRAWS, len(after)))
    means = (after - before)[drawn].mean(axis=1)
    medians = np.median(after[drawn], axis=1) - np.median(before[drawn], axis=1)
    said = [(float(np.mean(after - before)), means), (float(np.median(after) - np.median(before)), medians)]
    told = [f"{x:+.2f} ({np.quantile(d, 0.025):+.2f} to {np.quantile(d, 0.975):+.2f})" for x, d in said]
    return told[0], told[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    truth = read_truth(Path(given.data_dir) / "demo")
    asked = [user for user in truth.users.tolist() if half(user)]
    in_asked = np.isin(truth.users, asked)
    judged = replace(truth, known={e: own | in_asked for e, own in truth.known.items()})
    lines = []
    with AudienceGraph.connect(given.data_dir) as ag, tempfile.TemporaryDirectory() as out:
        first = judge(ag, judged)
        lines.append(f"| before | | | {np.nanmedian(first):.2f} | | |")
        for n in range(1, given.rounds + 1):
            counts = campaigns(ag, truth, asked, Path(out))
            command = [sys.executable, "-m", "audience_graph.cli", "mine", "--data-dir", given.data_dir]
            subprocess.run(command, check=True, capture_output=True)
            lifts = judge(ag, judged)
            told = f"{counts['learned']} + {counts['suggested']}"
            mean, median = interval(lifts, first)
            lines.append(f"| round {n} | {counts['sent']} | {told} | {np.nanmedian(lifts):.2f} | {mean} | {median} |")
            print(lines[-1], file=sys.stderr)
    print(
        "RESULTS",
        f"`python tests/bench/bench_loop.py --data-dir WORLD`: {len(truth.phrases)} phrases, {len(asked):,} users with "
        f"campaigns, {len(truth.users) - len(asked):,} who judge.",
        "",
        "| | campaigns | relations learned + suggested | median lift at 5 % | mean difference | median difference |",
        "|---|---|---|---|---|---|",
        *lines,
        sep="\n",
    )


if __name__ == "__main__":
    main()
