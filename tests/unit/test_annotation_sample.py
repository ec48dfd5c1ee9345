"""Samples for annotation: unbiased, repeatable, each pair to one annotator and an overlap."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from annotation_runs import World, make_run

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.annotation.oracle import oracle_scores, read_grades
from audience_trainers.relations.annotation.population import Population, merge_pairs, population_of_run
from audience_trainers.relations.annotation.sample import (
    Sample,
    SampleOptions,
    allocate,
    assign,
    draw_sample,
    sample_by_popularity,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def population(made: World) -> Population:
    return population_of_run(made.run)


def accuracy_of(made: World, population: Population, sample: Sample) -> float:
    ids = population.ids
    pairs = zip(sample.source.tolist(), sample.target.tolist(), strict=True)
    right = [made.grades.get((ids[u], ids[v]), 0.0) > 0 for u, v in pairs]
    return float(np.average(right, weights=sample.weight))


def test_a_run_becomes_a_population(made: World, population: Population) -> None:
    pairs = population.pairs
    assert len(pairs) == len(made.grades)
    relations = made.run.read_table("relations")
    assert pairs.relation.sum() == relations.num_rows
    assert np.allclose(np.sort(pairs.margin[pairs.relation]), np.sort(relations["margin"].to_numpy()))
    assert np.isnan(pairs.margin[~pairs.relation]).all()
    assert not np.isnan(pairs.score).any()
    assert population.popularity.sum() == made.run.read_table("sequences").num_rows


def test_the_last_part_that_knows_gives_the_value() -> None:
    merged = merge_pairs(
        [
            {"source": [1, 0], "target": [0, 1], "provenance": np.array(["both", "semantic"], dtype=object)},
            {"source": [0], "target": [1], "logit": [0.0], "margin": [0.5], "relation": True},
        ],
        2,
    )
    assert merged.relation.tolist() == [True, False]
    assert merged.provenance.tolist() == ["semantic", "both"]
    assert merged.score[0] == 0.5
    assert np.isnan(merged.score[1])


@pytest.mark.parametrize("by", ["provenance", "score", "source"])
@pytest.mark.parametrize("pool", ["relations", "candidates"])
def test_weighted_accuracy_is_unbiased(made: World, population: Population, pool: str, by: str) -> None:
    member = population.pairs.relation if pool == "relations" else np.ones(len(population.pairs), dtype=bool)
    ids, pairs = population.ids, population.pairs
    truth = np.mean([made.grades[ids[u], ids[v]] > 0
                     for u, v in zip(pairs.source[member], pairs.target[member], strict=True)])  # fmt: skip
    options = SampleOptions(pools=(pool,), count=120, by=by)  # type: ignore[arg-type]
    found = [accuracy_of(made, population, draw_sample(population, replace(options, seed=s))) for s in range(80)]
    assert abs(np.mean(found) - truth) < 4 * np.std(found) / np.sqrt(len(found))
    sample = draw_sample(population, options)
    assert sample.weight.sum() == pytest.approx(member.sum())
    assert len(set(zip(sample.source.tolist(), sample.target.tolist(), strict=True))) == len(sample) == 120
    if pool == "candidates" and by == "provenance":  # without weights the estimate would be another figure
        plain = [accuracy_of(made, population, replace(s, weight=np.ones(len(s))))
                 for s in (draw_sample(population, replace(options, seed=i)) for i in range(50))]  # fmt: skip
        assert abs(np.mean(plain) - truth) > 4 * np.std(plain) / np.sqrt(len(plain))


def test_same_seed_same_sample(population: Population) -> None:
    options = SampleOptions(pools=("candidates", "popularity"), count=90)
    first, second = (draw_sample(population, options) for _ in range(2))
    assert first.name == second.name
    assert first.source.tobytes() == second.source.tobytes()
    other = draw_sample(population, replace(options, seed=8))
    assert other.source.tobytes() != first.source.tobytes()
    assert other.name != first.name


def test_popular_entities_are_drawn_as_often_as_they_are_mentioned() -> None:
    popularity = np.concatenate([np.full(40, 9.0), np.full(360, 1.0), np.zeros(20)])
    left, right = sample_by_popularity(popularity, 3_000, np.random.default_rng(1))
    assert len(set(zip(left.tolist(), right.tolist(), strict=True))) == 3_000
    assert (left != right).all()
    assert max(left.max(), right.max()) < 400
    assert np.mean(left < 40) == pytest.approx(0.5, abs=0.05)
    with pytest.raises(ConfigError, match="popularity"):
        sample_by_popularity(np.array([3.0, 0.0]), 5, np.random.default_rng(1))


def test_counts_are_shared_and_small_strata_give_all() -> None:
    assert allocate([100, 100], 30) == [15, 15]
    assert allocate([9_000, 1_000], 40) == [30, 10]  # by the square root: 3 to 1
    assert allocate([100, 3], 33) == [30, 3]
    assert allocate([2, 1], 10) == [2, 1]
    assert allocate([10_000, 1, 1], 3) == [1, 1, 1]
    for count in range(4, 182):
        taken = allocate([50, 60, 70, 1], count)
        assert sum(taken) == min(count, 181)
        assert all(1 <= own <= size for own, size in zip(taken, [50, 60, 70, 1], strict=True))


def test_each_pair_has_one_annotator_and_an_overlap_two() -> None:
    given = assign(100, ("a", "b", "c"), 0.3)
    assert Counter(map(len, given)) == {2: 30, 1: 70}
    assert all(len(set(names)) == len(names) for names in given)
    load = Counter(name for names in given for name in names)
    assert max(load.values()) - min(load.values()) <= 4
    assert len({frozenset(names) for names in given if len(names) == 2}) == 3  # every two people meet
    assert set(map(len, assign(10, ("a",), 1.0))) == {1}


def test_what_cannot_be_sampled_is_said(population: Population, made: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"too few for \d strata"):
        draw_sample(population, SampleOptions(pools=("candidates",), count=4))
    with pytest.raises(ConfigError, match="not in the stores"):
        draw_sample(replace(population, has_candidates=False), SampleOptions(pools=("candidates",)))
    (made.run.path / "sequences.parquet").rename(tmp_path / "kept")
    try:
        with pytest.raises(RunError, match=r"sequences\.parquet"):
            population_of_run(made.run)
    finally:
        (tmp_path / "kept").rename(made.run.path / "sequences.parquet")


def test_the_oracle_says_the_grades_and_slips_as_often_as_told(world: Path) -> None:
    grades = read_grades(world)
    pairs = [*list(grades)[:3_000], ("no", "such")]
    right = oracle_scores(grades, pairs)
    assert right == [*[grades[pair] for pair in pairs[:-1]], 0.0]
    first, second = (oracle_scores(grades, pairs, name, noise=0.2, seed=3) for name in ("ann", "bob"))
    assert np.mean(np.array(first) != np.array(right)) == pytest.approx(0.2, abs=0.03)
    assert np.abs(np.array(first) - np.array(right)).max() == 0.5
    assert first != second
    assert first == oracle_scores(grades, pairs, "ann", noise=0.2, seed=3)
