"""Thresholds per source against one threshold for all: accuracy at equal number of relations, on planted truth.

    python tests/bench/bench_threshold.py [--seeds 1 2 3 4 5] [--weeks 3] [--demo 7 8] [--json]

The generated weeks have sources of different scale: what a week is thinned by (topics by a log-normal weight, channels
too) leaves some entities with many borne out pairs of high score, others with few of low score; the planted truth does
not move with it. Candidates are the 30 nearest entities and the week's edges. ALPC (EGL eq. 1-5) scores them:

    own       s_uv - eps_u - b_u, eps_u = MLP(z_u) by eq. 3 and the source's offset (alpc/offsets.py)
    eq. 3     s_uv - eps_u, without the offset
    global    s_uv of the same model: one threshold for all sources
    untold    s_uv of the model trained without the threshold task (alpha = 0): one threshold for all sources

Each is cut where it publishes the same number of relations: that of `own` at margin 0, and parts and multiples of it.
ACC is the share that the truth knows. Bar: at its own number, `own` is a point above the better of `global` and
`untold`, in the mean of the seeds. Exit 1 when it is not. Ridge and offsets were chosen on seeds 101 to 106. `--demo`
adds worlds of the demo, as a mining run scores them, without a bar: 1 to 2 minutes a training.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
import torch
from bench_ensemble import ALPC, propose, training_pairs
from bench_table_one import make_world
from scipy.stats import t as student
from shifted_weeks import Shift, ShiftedWeeks

from audience_graph.demo import AS_OF
from audience_graph.ingest import load
from audience_trainers.relations.alpc.edge_folds import course_from_edges
from audience_trainers.relations.alpc.encode import encode_all, score_pairs, thresholds
from audience_trainers.relations.alpc.lessons import Course
from audience_trainers.relations.alpc.model import Alpc
from audience_trainers.relations.alpc.offsets import source_offsets
from audience_trainers.relations.alpc.train import TrainOptions, train_alpc
from audience_trainers.relations.behaviour import Behaviour
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.linkpred.ranking import accuracy_at
from audience_trainers.relations.linkpred.task import Pairs, Training, Values, pair_key
from audience_trainers.relations.mine import MineOptions, mine_dictionary
from audience_trainers.relations.pipeline import Overlay

PARTS = (0.5, 0.75, 1.0, 1.25, 1.5)  # of the number of relations that the rule with a threshold per source publishes
RIDGE = 2.0
BAR = 1.0
SCALES = Shift(topic=1.0, burst_chance=0.0)
Bools = npt.NDArray[np.bool_]
Table = dict[str, list[float]]  # rule -> ACC in points, at each part


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """Candidates (2, p) of one week, which are edges of it (p,), and what ALPC may see of them."""

    candidates: Pairs
    edge: Bools
    training: Training


def make_week(behaviour: Behaviour, seed: int) -> Week:
    """Relate what several users bear out, propose the nearest by the evidence graph's eigenvectors."""
    n = behaviour.entities
    edges, proposed = propose(behaviour, seed)
    pairs = training_pairs(edges, proposed, n, np.random.default_rng(seed))
    once = pairs.take(pairs.source < pairs.target)

    def part(label: int, split: int) -> Pairs:
        chosen = once.take((once.label == label) & (once.split == split))
        return np.stack([chosen.source, chosen.target])

    training = Training(n=n, edges=part(1, 0), valid_positive=part(1, 1), valid_negative=part(0, 1))
    return Week(np.stack([proposed // n, proposed % n]), np.isin(proposed, edges), training)


def rules(week: Week, seed: int) -> dict[str, Values]:
    """Train ALPC with and without the threshold task; return what each rule compares with 0, for all candidates."""
    source, found = week.candidates[0], {}
    for alpha in (1.0, 0.0):
        config = replace(ALPC, alpha=alpha)
        course, _ = course_from_edges(week.training, config, seed=seed)
        model = train_alpc(course, config, TrainOptions(seed)).model
        z = encode_all(model, course.examination.view)
        score = score_pairs(model, z, week.candidates)
        if not alpha:
            return found | {"untold": score}
        margin = score - thresholds(model, z)[source]
        found |= {"own": margin - unseen_offsets(week, model, course)[source], "eq. 3": margin, "global": score}
    return found


def unseen_offsets(week: Week, model: Alpc, course: Course) -> Values:
    """Return b_u (n,) of candidates scored through views that do not hold their edge: each lesson's own, and a share of
    the candidates that are no edges.
    """
    key = pair_key(week.candidates, course.n)
    share = (key * 2_654_435_761 >> 7) % course.lessons
    parts: list[tuple[npt.NDArray[np.int64], Values, Bools]] = []
    for place in range(course.lessons):
        lesson = course.lesson(place)
        z = encode_all(model, lesson.view)
        hidden = week.edge & np.isin(key, pair_key(lesson.positive, course.n))
        asked = week.candidates[:, hidden | (~week.edge & (share == place))]
        label = np.isin(pair_key(asked, course.n), pair_key(lesson.positive, course.n))
        parts.append((asked[0], score_pairs(model, z, asked) - thresholds(model, z)[asked[0]], label))
    source, margin, label = (np.concatenate(column) for column in zip(*parts, strict=True))
    return source_offsets(source, margin, label.astype(np.float64), course.n, ridge=RIDGE)


def compare(found: Mapping[str, Values], true: Values, rule: str) -> tuple[int, Table]:
    """Return the number of relations of a rule, and the ACC of all at each part of it."""
    count = int((found[rule] > 0).sum())
    numbers = [min(round(part * count), len(true)) for part in PARTS]
    return count, {name: [100 * accuracy_at(value, true, k) for k in numbers] for name, value in found.items()}


def run_seed(seed: int, weeks: int) -> Table:
    """Return the table of one world, mean of its weeks."""
    world = ShiftedWeeks(seed, weeks, shift=SCALES)
    plan = world.plan()
    truth = world.truth(plan)
    tables = []
    for number in range(weeks):
        week = make_week(world.week(plan, number), seed)
        true = np.isin(week.candidates[0] * week.training.n + week.candidates[1], truth).astype(np.float64)
        count, table = compare(rules(week, seed), true, "own")
        tables.append(table)
        print(f"seed {seed} week {number}: {len(true):,} candidates, {count:,} relations", file=sys.stderr, flush=True)
    return {name: np.mean([table[name] for table in tables], axis=0).tolist() for name in tables[0]}


def run_demo(seed: int) -> Table:
    """Return the table of a demo world whose last day a mining run scores, with and without the threshold task."""
    day = AS_OF.date() - timedelta(days=1)
    found: dict[str, Values] = {}
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(Path(folder), "small", seed)
        load("corpus", Path(folder) / "demo" / "corpus.parquet", home=world.home)
        true: dict[str, Values] = {}
        for name, alpha in (("eq. 3", 1.0), ("untold", 0.0)):
            config = MineConfig(model="alpc", plots=False)
            config = replace(config, alpc=replace(config.alpc, alpha=alpha, explore=0))
            run = mine_dictionary(world.home, world.dictionary, Overlay(), MineOptions(as_of=day, config=config))
            pairs, ids = run.read_table("candidates"), run.read_table("entities")["entity_id"].to_pylist()
            source, logit = pairs["source"].to_numpy(), pairs["logit"].to_numpy()
            found |= {name: logit - run.read_table("thresholds")["threshold"].to_numpy()[source]}
            if alpha:
                found |= {"global": logit}
                ends = zip(source.tolist(), pairs["target"].to_pylist(), strict=True)
                grades = world.grades(day)
                true["all"] = np.array([float((ids[u], ids[v]) in grades) for u, v in ends])
    return compare(found, true["all"], "eq. 3")[1]


def report(tables: Sequence[Table], rule: str) -> dict[str, Any]:
    """Return mean ACC of each rule at each part, and the gain of `rule` over the best global threshold, with interval.

    The best global threshold is the better of the two, seed by seed and part by part.
    """
    values = {name: np.array([table[name] for table in tables]) for name in tables[0]}  # (seeds, parts)
    gain = values[rule] - np.maximum(values["global"], values["untold"])
    half = np.zeros(len(PARTS))
    if len(tables) > 1:
        half = student.ppf(0.975, len(tables) - 1) * gain.std(axis=0, ddof=1) / np.sqrt(len(tables))
    return {
        "parts": list(PARTS),
        "acc": {name: value.mean(axis=0).round(2).tolist() for name, value in values.items()},
        "gain": gain.mean(axis=0).round(2).tolist(),
        "gain_95": [[round(float(g - h), 2), round(float(g + h), 2)] for g, h in zip(gain.mean(0), half, strict=True)],
        "gain_by_seed": gain[:, PARTS.index(1.0)].round(2).tolist(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--weeks", type=int, default=3, help="weeks of each seed")
    parser.add_argument("--demo", type=int, nargs="*", default=[], help="worlds of the demo")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    told = {"scales": report([run_seed(seed, options.weeks) for seed in options.seeds], "own")}
    if options.demo:
        told["demo"] = report([run_demo(seed) for seed in options.demo], "eq. 3")
    print(json.dumps(told, indent=None if options.json else 2))
    return 0 if told["scales"]["gain"][PARTS.index(1.0)] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
