"""Table I of EGL on the demo world: ACC, CorS, AECC and the variance of ACC over weeks, stage by stage.

    python tests/bench/bench_table_one.py [--weeks 4] [--days 24] [--seeds 7 8 9] [--single model=walk] [--full ...]

The last `--weeks` weeks of the world's 45 days are mined one after the other, each from the `--days` days before its
end, into run folders of one home; no server is needed. The oracle, the world's own truth at the end of each week,
judges every pair, so that nothing of the variance comes from sampling annotations.

    popularity    pairs of two entities drawn by their mentions (TRMP w.o. E&R_s), as many as there are candidates
    candidates    all of G^C (TRMP w.o. E&R)
    single        relations of one week's model (TRMP w.o. E): settings given with --single
    full          relations decided by the ensemble (TRMP): settings given with --full; left out without any

Exits 1 when ACC or CorS are not ordered as in the paper, when relations are fewer than one an entity, or when a sample
of annotations, drawn and measured as `evaluate annotate` and `evaluate accuracy` do it, does not estimate what it
should.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.config import Home
from audience_graph.demo import AS_OF, HISTORY_DAYS, write_world
from audience_graph.demo.relations import true_relations
from audience_graph.demo.world import Plan, plan_world
from audience_graph.entities.dictionary import Dictionary, entity_of
from audience_graph.ingest import load
from audience_trainers.relations.annotation.accuracy import variance_over_weeks
from audience_trainers.relations.annotation.file import annotation_rows, write_annotations
from audience_trainers.relations.annotation.judgements import read_weeks
from audience_trainers.relations.annotation.key import write_key
from audience_trainers.relations.annotation.oracle import fill_in
from audience_trainers.relations.annotation.population import Population, population_of_run
from audience_trainers.relations.annotation.report import PoolReport, make_report
from audience_trainers.relations.annotation.sample import (
    EXPLORED,
    SampleOptions,
    draw_sample,
    sample_by_popularity,
)
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import MineOptions, mine_dictionary
from audience_trainers.relations.pipeline import Overlay
from audience_trainers.relations.plots.weeks import weekly_accuracy_png
from audience_trainers.run import RunFolder, resolve_config

PAPER = {
    "popularity": ("TRMP w.o. E&R_s", 68.60, 0.673, 78.0, 0.30),
    "candidates": ("TRMP w.o. E&R", 80.60, 0.780, 78.0, 0.32),
    "single": ("TRMP w.o. E", 97.70, 0.950, 61.2, 0.31),
    "full": ("TRMP", 97.76, 0.951, 59.5, 0.08),
}
Grades = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of one week: ACC and CorS over all its pairs, and how many pairs an entity has."""

    acc: float
    cors: float
    aecc: float


@dataclass(frozen=True, slots=True)
class World:
    """A home with the world's events, its dictionary, and its plan for the truth of any day."""

    home: Home
    dictionary: Dictionary
    plan: Plan

    def grades(self, as_of: date) -> Grades:
        """Return the true relations in force at the end of a day."""
        day = HISTORY_DAYS - (AS_OF.date() - timedelta(days=1) - as_of).days
        frame = true_relations(self.plan.entities, self.plan.services, day)
        return dict(zip(zip(frame["source_id"], frame["target_id"], strict=True), frame["grade"], strict=True))


def main() -> None:
    """Mine the weeks with every seed, print the table, and exit 1 when it is not ordered."""
    options = parse()
    begin = time.monotonic()
    world = make_world(options.data_dir, options.size, options.world_seed)
    last = AS_OF.date() - timedelta(days=1)
    days = [last - timedelta(weeks=age) for age in reversed(range(options.weeks))]
    settings = {"single": options.single} | ({"full": options.full} if options.full else {})
    configs = {row: config_of(given, options.days) for row, given in settings.items()}
    tables: list[dict[str, list[Figures]]] = []
    for seed in options.seeds:
        runs = {row: mine_weeks(world, days, config, seed) for row, config in configs.items()}
        tables.append(table_of(world, runs, seed))
        print(f"seed {seed}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    print_table(tables, options)
    estimate = sampled(world, runs["single"][-1], options.seeds[-1])
    for pool, found in estimate.items():
        print(f"\n{found.pairs} annotated {pool} of the last week instead of all: ACC {found.acc.value:.2%} "
              f"({found.acc.low:.2%} to {found.acc.high:.2%})")  # fmt: skip
    draw(tables[-1], days, options.out)
    faults = [*disorder(tables), *wrong_estimates(estimate, tables[-1])]
    for fault in faults:
        print(f"NOT AS IN THE PAPER: {fault}" if "sample" not in fault else fault)
    print(f"\n{time.monotonic() - begin:.0f} s")
    sys.exit(1 if faults else 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="small")
    parser.add_argument("--world-seed", type=int, default=7)
    parser.add_argument("--weeks", type=int, default=4)
    parser.add_argument("--days", type=int, default=24, help="Days that a week's model reads.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7])
    parser.add_argument("--single", nargs="*", default=[], metavar="KEY=VALUE", help="Settings of the single model.")
    parser.add_argument("--full", nargs="*", default=[], metavar="KEY=VALUE", help="Settings of the row with ensemble.")
    parser.add_argument("--data-dir", type=Path, help="Folder of the runs. [default: a new one, left behind]")
    parser.add_argument("--out", type=Path, help="Folder for weekly_accuracy.parquet and .png.")
    return parser.parse_args()


def config_of(given: Sequence[str], days: int) -> MineConfig:
    return replace(resolve_config(MineConfig, given), days=days, plots=False)


def make_world(folder: Path | None, size: str, seed: int) -> World:
    """Write a demo world and load its events; the dictionary comes from its file."""
    home = Home((folder or Path(tempfile.mkdtemp(prefix="audience-graph-bench-"))).absolute())
    files = home.path / "demo"
    if not (files / "world.json").is_file():
        write_world(files, size, seed)
    load("events", files / "events.parquet", home=home)
    rows = pq.read_table(files / "entities.parquet").to_pylist()
    return World(home, Dictionary.of(entity_of(row) for row in rows), plan_world(size, seed))


def mine_weeks(world: World, days: Sequence[date], config: MineConfig, seed: int) -> list[RunFolder]:
    """Mine week after week into one home, so that an ensemble finds the weeks before."""
    home = Home(world.home.path)
    return [mine_dictionary(home, world.dictionary, Overlay(), MineOptions(as_of=day, seed=seed, config=config))
            for day in days]  # fmt: skip


def table_of(world: World, runs: dict[str, list[RunFolder]], seed: int) -> dict[str, list[Figures]]:
    """Return the weekly figures of each row, every pair judged by the truth of its week."""
    table: dict[str, list[Figures]] = {row: [] for row in PAPER if row in runs or row in ("popularity", "candidates")}
    for run in runs["single"]:
        grades, population = world.grades(run.as_of), population_of_run(run)
        pairs = population.pairs
        inside = pairs.provenance != EXPLORED
        source, target = pairs.source[inside], pairs.target[inside]
        table["candidates"].append(judge(population, source, target, grades))
        drawn = sample_by_popularity(population.popularity, len(source), np.random.default_rng(seed))
        table["popularity"].append(judge(population, *drawn, grades))
    for row, own in runs.items():
        for run in own:
            population = population_of_run(run)
            kept = population.pairs.relation
            found = judge(
                population, population.pairs.source[kept], population.pairs.target[kept], world.grades(run.as_of)
            )
            table[row].append(found)
    return table


def judge(population: Population, source: np.ndarray, target: np.ndarray, grades: Grades) -> Figures:
    ids = population.ids
    pairs = zip(source.tolist(), target.tolist(), strict=True)
    given = np.array([grades.get((ids[u], ids[v]), 0.0) for u, v in pairs])
    return Figures(float((given > 0).mean()), float(given.mean()), len(given) / len(population))


def sampled(world: World, run: RunFolder, seed: int) -> dict[str, PoolReport]:
    """Annotate 1,200 pairs of a run through files, 400 a part, and return what they say of each pool."""
    pools = ("relations", "candidates", "popularity")
    population = population_of_run(run)
    sample = draw_sample(population, SampleOptions(pools=pools, count=1_200, seed=seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.csv"
        write_key(path, population, sample)
        write_annotations(path, fill_in(annotation_rows(population, sample), world.grades(run.as_of), seed=seed))
        report = make_report(read_weeks([path]))
    return {pool.pool: pool for pool in report.pools}


def disorder(tables: Sequence[dict[str, list[Figures]]]) -> list[str]:
    """Return where mean ACC or CorS do not rise from row to row (the ensemble's may be equal), or AECC is under 1."""
    faults = []
    rows = [row for row in PAPER if row in tables[0]]
    for row in rows:
        if np.mean([f.aecc for table in tables for f in table[row]]) < 1:
            faults.append(f"AECC of {row} is under 1: give its model more --days, or other settings")
    for name in ("acc", "cors"):
        means = [np.mean([getattr(f, name) for table in tables for f in table[row]]) for row in rows]
        for (low, below), (high, above) in itertools.pairwise(zip(rows, means, strict=True)):
            if above < below or (above == below and high != "full"):
                faults.append(f"{name} of {high} {above:.4f} is not above that of {low} {below:.4f}")
    return faults


def wrong_estimates(estimate: dict[str, PoolReport], table: dict[str, list[Figures]]) -> list[str]:
    """Return pools whose exact ACC lies outside the interval of the sample, widened by half for chance."""
    faults = []
    for pool, row in (("relations", "single"), ("candidates", "candidates"), ("popularity", "popularity")):
        found, exact = estimate[pool].acc, table[row][-1].acc
        room = (found.high - found.low) / 2
        if not found.low - room <= exact <= found.high + room:
            faults.append(f"the sample of {pool} says {found}, the truth is {exact:.4f}")
    return faults


def print_table(tables: Sequence[dict[str, list[Figures]]], options: argparse.Namespace) -> None:
    """Print the block for RESULTS.md: means over seeds and weeks, the variance over weeks averaged over seeds."""
    print(f"### Table I on the demo world ({options.size}, seed {options.world_seed})\n")
    single, full = " ".join(options.single) or "defaults", " ".join(options.full) or "not measured"
    seeds = ", ".join(map(str, options.seeds))
    print(f"{options.weeks} weeks of {options.days} days; mining seeds {seeds}; single: {single}; full: {full}.\n")
    print("| stage | ACC | CorS | AECC | variance of ACC | the paper's: ACC | CorS | AECC | variance |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row, (stage, *paper) in PAPER.items():
        theirs = f"{paper[0]:.2f}% | {paper[1]:.3f} | {paper[2]:.1f} | {paper[3]:.2f}"
        if row not in tables[0]:
            print(f"| {stage} | not measured | | | | {theirs} |")
            continue
        weeks = [f for table in tables for f in table[row]]
        acc, cors, aecc = (np.mean([getattr(f, name) for f in weeks]) for name in ("acc", "cors", "aecc"))
        spread = np.mean([variance_over_weeks([f.acc for f in table[row]]) for table in tables])
        print(f"| {stage} | {acc:.2%} | {cors:.3f} | {aecc:.1f} | {spread:.2f} | {theirs} |")
    print("\nWeekly ACC, first seed: " + "; ".join(
        f"{row} {' '.join(f'{100 * f.acc:.2f}' for f in weekly)}" for row, weekly in tables[0].items()))  # fmt: skip


def draw(table: dict[str, list[Figures]], days: Sequence[date], out: Path | None) -> None:
    """Write Fig. 5b of our own."""
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    full = [f.acc for f in table["full"]] if "full" in table else [None] * len(days)
    weeks = [f"{y}-W{w:02d}" for y, w, _ in (day.isocalendar() for day in days)]
    single = [f.acc for f in table["single"]]
    columns = {"week": weeks, "accuracy_single": single, "accuracy_ensemble": pa.array(full, pa.float64())}
    pq.write_table(pa.table(columns), out / "weekly_accuracy.parquet")
    (out / "weekly_accuracy.png").write_bytes(weekly_accuracy_png(pa.table(columns)))


if __name__ == "__main__":
    main()
