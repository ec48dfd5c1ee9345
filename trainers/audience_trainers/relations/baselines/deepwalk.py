"""DeepWalk (Perozzi et al. 2014): skip-gram over first-order random walks."""

from __future__ import annotations

import zlib

import numpy as np

from audience_trainers.relations.baselines.decoder import best_decoder
from audience_trainers.relations.baselines.walks import Ints, WalkPlan, random_walks
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Floats, Scorer, Training

DIMS = 128
WALKS = 10
LENGTH = 40


def fit_deepwalk(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Walk, learn 128 dims, decode. The setting names the skip-gram's window."""
    return fit_walks(training, WalkPlan(WALKS, LENGTH), window=setting.get("window", 2), options=options)


def fit_walks(training: Training, plan: WalkPlan, *, window: int, options: FitOptions) -> Scorer:
    """Return the scorer of skip-gram vectors over walks on the training edges."""
    walks = random_walks(training.adjacency(), plan, seed=options.seed)
    options.progress("walks", 1, 2)
    vectors = walk_vectors(walks, training.n, window=window, seed=options.seed)
    options.progress("skip-gram", 2, 2)
    return best_decoder(vectors, training, seed=options.seed)


def walk_vectors(walks: Ints, n: int, *, window: int, seed: int, dims: int = DIMS) -> Floats:
    """Return gensim's skip-gram vectors (n, dims); an entity on no walk has a zero row.

    Five negatives, one pass, and one worker: gensim repeats itself only so.
    """
    from gensim.models import Word2Vec

    words = np.array([str(i) for i in range(n)], dtype=object)
    vectors = np.zeros((n, dims), np.float32)
    if len(walks) == 0:
        return vectors
    model = Word2Vec(
        [words[walk].tolist() for walk in walks],
        vector_size=dims,
        window=window,
        epochs=1,
        seed=seed,
        min_count=1,
        sg=1,
        negative=5,
        sample=0.0,
        workers=1,
        hashfxn=_stable_hash,
    )
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    return vectors


def _stable_hash(text: str) -> int:
    """Hash a word equally in every process: gensim's default depends on PYTHONHASHSEED."""
    return zlib.crc32(text.encode())
