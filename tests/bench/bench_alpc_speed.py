"""How fast ALPC trains and scores on a graph of the paper's size: 92,651 entities, 9.27 M relations, Zipf degrees.

    python tests/bench/bench_alpc_speed.py            one epoch (bars: 10 min, 16 GiB), scoring all (bar: 1 min)
    python tests/bench/bench_alpc_speed.py --entities 5000 --relations 200000

The graph is generated: ends are drawn by popularity (Zipf) within and across hidden groups, text vectors are noisy
pictures of the groups. Prints seconds, positive edges a second, peak memory and validation AUC after the epoch; exits
with 1 when a bar is missed at full size.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.alpc.edge_folds import course_from_edges
from audience_trainers.relations.alpc.encode import encode_all, score_pairs
from audience_trainers.relations.alpc.train import TrainOptions, train_alpc
from audience_trainers.relations.linkpred.task import Training

CONFIG = AlpcConfig(
    dims=64, hidden=64, attention_dims=16, text_dims=64, walk_dims=32, fanout=8, batch=131_072, epochs=1, folds=10
)
GROUPS, EXPONENT, HELD = 400, 0.6, 20_000
BAR_EPOCH, BAR_SCORE, BAR_GIB = 600.0, 60.0, 16.0


def generate(entities: int, relations: int, seed: int) -> Training:
    """Return a graph of about `relations` undirected edges, each once, with held-out edges and non-edges."""
    rng = np.random.default_rng(seed)
    group = rng.integers(GROUPS, size=entities)
    weight = (rng.permutation(entities) + 1.0) ** -EXPONENT
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(GROUPS + 1))
    inside = np.concatenate([[0.0], np.cumsum(weight[order])])
    everywhere = np.cumsum(weight)
    keys = np.zeros(0, np.int64)
    while len(keys) < relations + HELD:
        count = (relations + HELD - len(keys)) * 5 // 4 + 1000
        u = np.minimum(np.searchsorted(everywhere, rng.random(count) * everywhere[-1]), entities - 1)
        low, high = inside[bounds[group[u]]], inside[bounds[group[u] + 1]]
        near = order[np.minimum(np.searchsorted(inside[1:], low + rng.random(count) * (high - low)), entities - 1)]
        far = np.minimum(np.searchsorted(everywhere, rng.random(count) * everywhere[-1]), entities - 1)
        v = np.where(rng.random(count) < 0.7, near, far)
        fresh = np.minimum(u, v)[u != v] * entities + np.maximum(u, v)[u != v]
        keys = np.union1d(keys, fresh)
    keys = rng.permutation(keys)[: relations + HELD]
    edges = np.stack([keys // entities, keys % entities])
    drawn = rng.integers(entities, size=(2, 2 * HELD))
    key = np.minimum(*drawn) * entities + np.maximum(*drawn)
    strangers = drawn[:, (drawn[0] != drawn[1]) & ~np.isin(key, keys)][:, :HELD]
    centres = rng.standard_normal((GROUPS, 64)).astype(np.float32)
    features = centres[group] + rng.standard_normal((entities, 64)).astype(np.float32)
    return Training(entities, edges[:, HELD:], edges[:, :HELD], strangers, features)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=92_651)
    parser.add_argument("--relations", type=int, default=9_270_000)
    parser.add_argument("--fanout", type=int, default=CONFIG.fanout)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    begun = time.perf_counter()
    training = generate(options.entities, options.relations, seed=7)
    print(f"generated {training.edges.shape[1]:,} relations of {training.n:,} entities in {_since(begun):.0f} s")
    begun = time.perf_counter()
    config = replace(CONFIG, fanout=options.fanout)
    course, material = course_from_edges(training, config, seed=7)
    print(f"course of {course.lessons} lessons in {_since(begun):.1f} s")
    begun = time.perf_counter()
    trained = train_alpc(course, config, TrainOptions(seed=7))
    epoch = _since(begun)
    begun = time.perf_counter()
    z = encode_all(trained.model, course.examination.view)
    scores = score_pairs(trained.model, z, training.edges, material.features(training.edges))
    scoring = _since(begun)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rate = training.edges.shape[1] / epoch
    print(f"one epoch {epoch:.0f} s: {rate:,.0f} positive edges/s, {config.negatives} negatives each")
    print(f"all {len(scores):,} relations scored in {scoring:.1f} s; peak memory {memory:.1f} GiB")
    print(f"validation AUC after one epoch {trained.valid_auc:.4f}; {torch.get_num_threads()} threads")
    if options.relations >= 9_000_000 and (epoch > BAR_EPOCH or scoring > BAR_SCORE or memory > BAR_GIB):
        sys.exit(f"a bar is missed: epoch {BAR_EPOCH:.0f} s, scoring {BAR_SCORE:.0f} s, memory {BAR_GIB:.0f} GiB")


def _since(moment: float) -> float:
    return time.perf_counter() - moment


if __name__ == "__main__":
    main()
