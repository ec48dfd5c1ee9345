"""The whole loop on a generated world: generate, load, mine, stage, publish, ask, evaluate. Each step is timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from audience_graph import local, schema
from audience_graph.client import AudienceGraph
from audience_graph.config import Home, find_connections
from audience_graph.demo import AS_OF, write_world
from audience_graph.demo.evaluation import (
    PhraseLift,
    RelationQuality,
    Truth,
    read_truth,
    relation_quality,
    summary,
    targeting_quality,
)
from audience_graph.ingest import LoadOptions, load
from audience_graph.release import Release
from audience_trainers.demo_guard import FILES, check_free, kept_world, world_folder
from audience_trainers.demo_story import Story, tell_story
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.mine import MineOptions, mine_week
from audience_trainers.run import RunFolder

Tell = Callable[[str], None]
# Every phrase of the world is judged, those of sensitive services too.
EVALUATION = "evaluation against the planted truth"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Which world, and the phrase that is answered (default: the first English phrase of the world)."""

    size: str = "small"
    seed: int = 7
    phrase: str | None = None


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the loop did and how good it was. `stages` holds seconds by step, in order."""

    home: Path
    browser: str | None
    world: Mapping[str, Any]
    stages: Mapping[str, float]
    counts: Mapping[str, int]
    relations: RelationQuality
    lifts: tuple[PhraseLift, ...]
    release: Release
    story: Story

    def to_dict(self) -> dict[str, Any]:
        """Return the one object of `demo --json`."""
        return {
            "size": self.world["size"],
            "seed": self.world["seed"],
            "generator_version": self.world["generator_version"],
            "release": self.release.id,
            "version": self.release.version,
            "week": self.release.week,
            "stages": dict(self.stages),
            "counts": dict(self.counts),
            "relations": {
                "precision": round(self.relations.precision, 4),
                "recall": round(self.relations.recall, 4),
                "mean_grade": round(self.relations.mean_grade, 4),
            },
            "targeting": summary(self.lifts),
        }


@dataclass(slots=True)
class Clock:
    """Times the steps and says when one begins and ends."""

    tell: Tell
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        self.tell(f"{words} ...")
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 3)
        self.tell(f"  {self.seconds[name]:.1f} s")

    def step(self, step: str, done: int, total: int) -> None:
        """Tell of the end of a part of a step."""
        if done == total:
            self.tell(f"  {step}")


def run_demo(home: Home, options: DemoOptions, *, tell: Tell) -> DemoResult:
    """Run the loop in a data folder and return what it found. Running it again repeats it on the same world.

    Starts the embedded servers unless the environment names some. Raises ConfigError when the folder or the servers
    hold anything that is not of this world: nothing is written to them then, not even a schema to servers that the
    environment names. What was derived from the world meanwhile may stay: the same relations are the same release
    again, which becomes the current one (with the user vectors of the last refresh, if there was one), and releases of
    other relations are kept beside it.
    """
    clock = Clock(tell)
    with clock.stage("up", "Starting Neo4j and Postgres"):
        stack = local.up(home)
    connections = find_connections(home)
    check_free(home, connections, options.size, options.seed)
    with clock.stage("migrate", "Bringing both schemas up to date"):
        schema.migrate(connections)
    folder = world_folder(home)
    with clock.stage("generate", f"Generating the {options.size} world of seed {options.seed}"):
        kept = kept_world(home, options.size, options.seed)
        world = kept if kept is not None else write_world(folder, options.size, options.seed)
    with clock.stage("load", "Loading entities, users, events and corpus"):
        for what in FILES:
            report = load(what, folder / f"{what}.parquet", home=home, connections=connections, options=LoadOptions())
            tell(f"  {what}: {report.read:,} rows, {report.written:,} new")
    chosen = MineOptions(as_of=last_day())
    with clock.stage("mine", f"Mining relations from the last {chosen.config.days} days"):
        run = mine_week(home, connections, chosen, progress=clock.step)
    with clock.stage("stage", "Writing relations and vectors as a new release"):
        staged = stage_run(home, connections, run, progress=clock.step)
    with clock.stage("publish", f"Publishing version {staged.version}"):
        published = publish_release(connections, staged, home=home)
        if published.preference_as_of != last_day():
            tell(f"  its user vectors were refreshed since: release {published.id}, of {published.preference_as_of}")
    truth = read_truth(folder)
    with AudienceGraph.connect(connections=connections) as ag:
        with clock.stage("ask", "Asking for one phrase"):
            story = tell_story(ag, options.phrase or english_phrase(ag, truth), relation_grades(folder), run)
        with clock.stage("evaluate", "Comparing with the planted truth"):
            quality, lifts = evaluate(ag, run, folder, truth)
    return DemoResult(
        home=home.path,
        browser=stack.browser,
        world=world,
        stages=clock.seconds,
        counts=counts_of(world, quality, published),
        relations=quality,
        lifts=lifts,
        release=published,
        story=story,
    )


def last_day() -> date:
    """Return the last day of the world's history."""
    return AS_OF.date() - timedelta(days=1)


def evaluate(
    ag: AudienceGraph, run: RunFolder, folder: Path, truth: Truth
) -> tuple[RelationQuality, tuple[PhraseLift, ...]]:
    """Compare the mined relations and the targeting of the world's phrases with the truth."""
    found = run.read_table("relations").select(["source_id", "target_id"]).to_pandas()

    def target(phrase: str, size: int) -> Mapping[str, float]:
        best = ag.target(phrase, size=size, sensitive_because=EVALUATION)
        return dict(zip(best.user_ids, best.scores.tolist(), strict=True))

    relations = pd.read_parquet(folder / "truth" / "relations.parquet")
    return relation_quality(found, relations), targeting_quality(truth, target)


def relation_grades(folder: Path) -> dict[tuple[str, str], float]:
    """Return the grade of every true relation."""
    frame = pd.read_parquet(folder / "truth" / "relations.parquet")
    pairs = zip(frame["source_id"], frame["target_id"], strict=True)
    return dict(zip(pairs, frame["grade"], strict=True))


def english_phrase(ag: AudienceGraph, truth: Truth) -> str:
    """Return the first phrase in plain letters that is asked for without a reason."""
    plain = (phrase for phrase, _ in truth.phrases if phrase.isascii())
    return next((p for p in plain if not any(m.sensitive for m in ag.resolve(p).require())), truth.phrases[0][0])


def counts_of(world: Mapping[str, Any], quality: RelationQuality, published: Release) -> dict[str, int]:
    """Return how much there was of everything."""
    return {
        **world["counts"],
        "relations": quality.found,
        "true_relations": quality.true,
        "scored_users": published.counts["users"],
    }
