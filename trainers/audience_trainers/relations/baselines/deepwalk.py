"""DeepWalk (Perozzi et al. 2014): skip-gram over first-order random walks."""

from __future__ import annotations

from audience_trainers.relations.baselines.decoder import best_decoder
from audience_trainers.relations.baselines.walks import WalkPlan, random_walks, walks_as_sequences
from audience_trainers.relations.linkpred.models import Setting
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training
from audience_trainers.relations.skipgram import skip_gram

DIMS = 128
WALKS = 10
LENGTH = 40


def fit_deepwalk(training: Training, setting: Setting, options: FitOptions) -> Scorer:
    """Walk, learn 128 dims, decode. The setting names the skip-gram's window."""
    return fit_walks(training, WalkPlan(WALKS, LENGTH), window=setting.get("window", 5), options=options)


def fit_walks(training: Training, plan: WalkPlan, *, window: int, options: FitOptions) -> Scorer:
    """Return the scorer of skip-gram vectors over walks on the training edges."""
    walks = random_walks(training.adjacency(), plan, seed=options.seed)
    options.progress("walks", 1, 2)
    sequences = walks_as_sequences(walks, training.n)
    vectors = skip_gram(sequences, dims=DIMS, window=window, epochs=1, seed=options.seed)
    options.progress("skip-gram", 2, 2)
    return best_decoder(vectors, training, seed=options.seed)
