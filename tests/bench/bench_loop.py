"""The loop: three rounds of target -> results -> confirm -> mine, and what they do to the lift of users never asked.

    audience-graph demo --size medium --data-dir world
    python tests/bench/bench_loop.py --data-dir world

The world's scenarios that sell several services say who buys: a marketer types the name of one of them, and learns from
results what else belongs to it. Every such name is a question. Half of the users, by a hash of their ids, get the
campaigns: the best of them by the question, sent, and answered by what they did in the two weeks after the last event,
that nothing was trained on. `results learn` decides relations, and `results follow` confirms the five surest
suggestions as a marketer who trusts them would. Then the week is mined again. The other half, whom no campaign saw,
judges: lift at 5 % before and after each round, with the 95 % interval of the paired difference of the questions' lifts
(bootstrap over questions, 10,000 draws) and of their median's. Users differ, the two weeks are the same: what is
learned is what an interest leads to, not who acts.

Two peers stand beside it, judged by the same users: a lookalike of all who converted (the mean vector of the
converters, as advertising platforms make it, of the same campaigns), and the union of all services of the scenario,
which knows what the marketer does not.

The stores of WORLD are changed: decisions and versions stay there.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from audience_graph import AudienceGraph, users
from audience_graph.config import find_connections, find_home
from audience_graph.demo.evaluation import lift_at
from audience_graph.demo.scenarios import SCENARIOS
from audience_graph.vectors.store import open_store

DRAWS = 10_000
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """What is typed, and who of all users bought (`bought`) of who could (`eligible`)."""

    scenario: str
    phrase: str
    bought: Flags
    eligible: Flags


def half(user: str) -> bool:
    """Say whether a user gets campaigns."""
    return hashlib.sha256(f"loop:{user}".encode()).digest()[0] < 128


def questions(folder: Path, row: pd.Series) -> list[Question]:
    """Return a question for each service of the scenarios with several."""
    labels = pd.read_parquet(folder / "truth" / "labels.parquet")
    found = []
    for scenario in SCENARIOS:
        own = labels[labels["scenario"] == scenario.name]
        bought, eligible = np.zeros(len(row), bool), np.zeros(len(row), bool)
        at = row.loc[own["user_id"]].to_numpy()
        eligible[at], bought[at] = True, own["label"].to_numpy() == 1
        if len(scenario.services) > 1:
            found += [Question(scenario.name, service, bought, eligible) for service in scenario.services]
    return found


class Bench:
    """The users of a world, the questions to them, and the ways in which they are answered."""

    def __init__(self, data_dir: str, size: int) -> None:
        folder = Path(data_dir) / "demo"
        self.data_dir = data_dir
        self.ids = np.unique(pd.read_parquet(folder / "users.parquet", columns=["user_id"])["user_id"].to_numpy())
        self.row = pd.Series(np.arange(len(self.ids)), index=self.ids)
        self.asked = np.array([half(user) for user in self.ids])
        self.questions = questions(folder, self.row)
        self.size = size

    def lift(self, one: Question, scores: npt.NDArray[np.float64]) -> float:
        return lift_at(scores, one.bought, one.eligible & ~self.asked)

    def judge(self, ag: AudienceGraph) -> npt.NDArray[np.float64]:
        """Return the lift of every question over the users whom no campaign saw."""
        return np.array([self.lift(one, self.scores(ag, one.phrase)) for one in self.questions])

    def scores(self, ag: AudienceGraph, phrases: str | list[str]) -> npt.NDArray[np.float64]:
        best = ag.target(phrases, len(self.ids), method="graph")
        return self.placed(best.user_ids, best.scores)

    def placed(self, user_ids: list[str], scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        told = np.full(len(self.ids), -np.inf)
        told[self.row.loc[list(user_ids)].to_numpy()] = scores
        return told

    def peers(self, ag: AudienceGraph) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the lifts of a lookalike of the converters of each question's campaign, and of all its services."""
        alike, union, vectors = [], [], self.vectors(ag)
        for one in self.questions:
            services = [other.phrase for other in self.questions if other.scenario == one.scenario]
            union.append(self.lift(one, self.scores(ag, services)))
            sent = np.argsort(-np.where(self.asked, self.scores(ag, one.phrase), -np.inf))[: self.size]
            mean = vectors[[n for n in sent if one.bought[n]]].mean(axis=0)
            alike.append(self.lift(one, np.where(vectors.any(axis=1), vectors @ mean, -np.inf)))
        return np.array(alike), np.array(union)

    def vectors(self, ag: AudienceGraph) -> npt.NDArray[np.float64]:
        """Return the preference vector of every user, of length 1; zeros for one without."""
        space = ag.target(self.questions[0].phrase, 1, method="graph").space
        store = open_store(find_connections(find_home(self.data_dir)))
        with store.transaction(read_only=True) as tx:
            rows = tx.rows(f"SELECT user_id, vector::real[] AS v FROM user_vector_{space} JOIN user_key USING (key)")
        found = np.zeros((len(self.ids), len(rows[0]["v"])))
        found[self.row.loc[[row["user_id"] for row in rows]].to_numpy()] = [row["v"] for row in rows]
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    def campaigns(self, ag: AudienceGraph, out: Path) -> tuple[int, int, int]:
        """Send a campaign for each question, load what came back, learn and follow; return how many relations were
        learned, how many suggestions followed, and how many users were sent."""
        learned = followed = told = 0
        mine = users(self.ids[self.asked].tolist())
        for one in self.questions:
            name, file = f"loop {one.phrase}", out / "sent.csv"
            ag.audience(one.phrase, size=self.size, method="graph").where(mine).take(name)
            export = ag.exports.send(name, file, purpose="marketing", destination=one.phrase)
            with file.open(encoding="utf-8", newline="") as rows:
                sent = [row["user_id"] for row in csv.DictReader(rows)]
            with (out / "results.csv").open("w", encoding="utf-8") as rows:
                rows.write("user_id,exposures,conversions\n")
                rows.writelines(f"{user},1,{int(one.bought[self.row[user]])}\n" for user in sent)
            ag.results.load(out / "results.csv", export.id)
            learned += sum(not lesson.kept for lesson in ag.results.learn(export.id).lessons)
            suggested = ag.results.suggest(export.id).entities
            if suggested:
                ag.results.follow(export.id)
            followed += min(len(suggested), 5)
            told += len(sent)
        return learned, followed, told


def interval(after: npt.NDArray[np.float64], before: npt.NDArray[np.float64]) -> tuple[str, str]:
    """Return the mean paired difference, and that of the medians, each with its 95 % interval over questions."""
    rng = np.random.default_rng(7)
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
    parser.add_argument("--size", type=int, default=4_000, help="users of each campaign, before consent")
    given = parser.parse_args()
    bench = Bench(given.data_dir, given.size)
    lines = []
    with AudienceGraph.connect(given.data_dir) as ag, tempfile.TemporaryDirectory() as out:
        first = bench.judge(ag)
        lines.append(f"| before | | | {np.median(first):.2f} | | |")
        for name, lifts in zip(("lookalike of the converters", "all services"), bench.peers(ag), strict=True):
            mean, median = interval(lifts, first)
            lines.append(f"| peer: {name} | | | {np.median(lifts):.2f} | {mean} | {median} |")
        for n in range(1, given.rounds + 1):
            learned, followed, told = bench.campaigns(ag, Path(out))
            before_mining = bench.judge(ag)
            command = [sys.executable, "-m", "audience_graph.cli", "mine", "--data-dir", given.data_dir]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            lifts = bench.judge(ag)
            mean, median = interval(lifts, first)
            counts = f"{told:,} | {learned} + {followed}"
            lines.append(f"| round {n} | {counts} | {np.median(lifts):.2f} | {mean} | {median} |")
            print(lines[-1], f"before mining {np.median(before_mining):.2f}", file=sys.stderr)
    print(
        "RESULTS",
        f"`python tests/bench/bench_loop.py --data-dir WORLD`: {len(bench.questions)} questions, "
        f"{bench.asked.sum():,} users with campaigns, {(~bench.asked).sum():,} who judge.",
        "",
        "| | users sent | learned + followed | median lift at 5 % | mean difference | difference of medians |",
        "|---|---|---|---|---|---|",
        *lines,
        sep="\n",
    )


if __name__ == "__main__":
    main()
