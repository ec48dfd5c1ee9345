"""A mining run without servers: what it writes of its candidates, and what a review takes away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from audience_graph.config import Home
from audience_graph.demo import AS_OF
from audience_graph.entities.dictionary import Dictionary, Entity
from audience_graph.ingest.append import load_corpus, load_events
from audience_trainers.relations.annotation.population import population_of_run
from audience_trainers.relations.config import MineAlpc, MineConfig
from audience_trainers.relations.mine import MineOptions, mine_dictionary
from audience_trainers.relations.pipeline import Overlay
from audience_trainers.relations.plots.sources import read_rows
from audience_trainers.run import RunFolder

KEYS = ["provenance", "bucket"]


def mine(home: Home, dictionary: Dictionary, **settings: object) -> RunFolder:
    config = MineConfig(dims_co=16, epochs=2, dims=16, plots=False, **settings)  # type: ignore[arg-type]
    return mine_dictionary(
        home, dictionary, Overlay(), MineOptions(as_of=AS_OF.date() - timedelta(days=1), config=config)
    )


def test_a_run_keeps_both_vectors_and_its_buckets_and_obeys_a_review(world: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    load_events(world / "events.parquet", home=home)
    load_corpus(world / "corpus.parquet", home=home)
    rows = pd.read_parquet(world / "entities.parquet")
    dictionary = Dictionary.of(Entity(*row) for row in rows[["id", "name", "type"]].itertuples(index=False))
    run = mine(home, dictionary)
    own, joined = run.read_array("text_vectors"), run.read_array("se_vectors")
    assert run.read_array("co_vectors").shape == (len(rows), 16)
    np.testing.assert_allclose(np.linalg.norm(joined, axis=1), 1.0, rtol=1e-5)
    named = {e for ids in pd.read_parquet(world / "corpus.parquet")["entity_ids"] for e in ids}
    changed = np.abs(own - joined).max(axis=1) > 1e-3
    assert changed.tolist() == [entity_id in named for entity_id in dictionary.ids]
    told = run.read_json("metrics")["held_out_candidates"]
    assert told["recall"] > 2 * told["chance"]
    buckets = run.read_table("buckets").to_pandas()
    assert buckets["pairs"].sum() == run.read_table("candidates").num_rows
    assert run.read_table("bucket_samples").to_pandas().groupby(KEYS).size().max() <= 20

    largest = buckets.groupby(KEYS)["pairs"].sum().idxmax()
    review = tmp_path / "review.csv"
    pd.DataFrame([[*largest, 20, 3]], columns=[*KEYS, "judged", "accurate"]).to_csv(review, index=False)
    less = mine(home, dictionary, review=str(review))
    pd.testing.assert_series_equal(less.read_table("buckets").to_pandas()["pairs"], buckets["pairs"])
    dropped = buckets.set_index(KEYS).loc[[largest], "pairs"].sum()
    assert less.read_json("metrics")["held_out_candidates"]["dropped_by_review"] == dropped
    assert less.read_table("candidates").num_rows == buckets["pairs"].sum() - dropped


def test_a_run_of_alpc_is_sampled_and_drawn_by_what_was_published(world: Path, tmp_path: Path) -> None:
    home = Home(tmp_path)
    load_events(world / "events.parquet", home=home)
    rows = pd.read_parquet(world / "entities.parquet")
    dictionary = Dictionary.of(Entity(*row) for row in rows[["id", "name", "type"]].itertuples(index=False))
    alpc = MineAlpc(dims=8, attention_dims=4, text_dims=8, walk_dims=8, hidden=8, epochs=1, explore=60)
    run = mine(home, dictionary, model="alpc", device="cpu", alpc=alpc, top_co=10)
    candidates = run.read_table("candidates").to_pandas()
    population = population_of_run(run)
    assert candidates["provenance"].eq("explored").any()
    assert population.pairs.provenance.tolist() == candidates["provenance"].tolist()
    np.testing.assert_allclose(population.pairs.logit, candidates["logit"])
    assert candidates["logit"].equals(candidates["single_logit"].rename("logit"))  # no earlier week: no ensemble
    shown = read_rows(run, 3)
    assert not isinstance(shown, str)
    number = {entity_id: place for place, entity_id in enumerate(dictionary.ids)}
    for row in shown:
        own = candidates.loc[candidates["source"] == number[row.entity_id], "logit"].to_numpy()
        np.testing.assert_allclose(row.scores, 1.0 / (1.0 + np.exp(-own)))
