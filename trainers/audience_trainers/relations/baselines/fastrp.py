"""FastRP of Neo4j GDS with logistic regression: what a user of Neo4j tries first, through our own server."""

from __future__ import annotations

import secrets

import numpy as np

from audience_graph.config import find_connections, find_home
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner, open_runner
from audience_trainers.relations.baselines.decoder import regression_decoder
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Floats, Pairs, Scorer, Training

DIMS = 128


def fit_fastrp(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Project the training edges into GDS's memory, stream FastRP vectors, fit the regression.

    `weights` of the setting count hops from 0 (the entity itself); `normalization` below 0 plays hubs down. Nothing
    is written to the store, and the projection is dropped. Raises StoreUnavailable when no server answers.
    """
    home = find_home(options.data_dir)
    with open_runner(find_connections(home)) as runner:
        vectors = fast_rp(
            runner,
            training.edges,
            training.n,
            weights=setting.get("weights", [0.0, 1.0, 1.0]),
            normalization=setting.get("normalization", 0.0),
            seed=options.seed,
        )
    options.progress("FastRP", 1, 1)
    return regression_decoder(vectors, training, seed=options.seed)


def fast_rp(
    runner: Runner, edges: Pairs, n: int, *, weights: list[float], normalization: float, seed: int, dims: int = DIMS
) -> Floats:
    """Return FastRP vectors (n, dims) of undirected edges (2, m); an entity without an edge has a zero row."""
    name = f"linkpred-{secrets.token_hex(8)}"
    pairs = {"name": name, "source": edges[0].tolist(), "target": edges[1].tolist()}
    vectors = np.zeros((n, dims), np.float32)
    try:
        runner.auto_commit(load_query("linkpred/project_pairs"), pairs)
        how = {"name": name, "dims": dims, "weights": weights, "normalization": normalization, "seed": seed}
        for row in runner.auto_commit(load_query("linkpred/fast_rp"), how):
            vectors[row["node"]] = row["vector"]
    finally:
        runner.auto_commit(load_query("linkpred/drop_pairs"), {"name": name})
    return vectors
