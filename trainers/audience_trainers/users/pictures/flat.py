"""Unit vectors laid out on paper, and who is drawn when there are too many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audience_trainers.users.user_model import Floats

Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
PERPLEXITY = 30.0
LEAST = 8  # points; of fewer, neighbours mean nothing


def lay_out(vectors: Floats, *, seed: int) -> Points:
    """Return points (p, 2) of vectors (p, d) by t-SNE on cosine distances, begun at the two principal axes.

    Near stays near; how far apart far ones lie, and how dense a cloud is, says nothing. Same input, same points.
    Raises ValueError for fewer than 8 vectors.
    """
    from sklearn.manifold import TSNE

    if len(vectors) < LEAST:
        raise ValueError(f"{len(vectors)} vectors to lay out; at least {LEAST} are needed")
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    flat = TSNE(2, metric="cosine", init="pca", perplexity=perplexity, random_state=seed).fit_transform(vectors)
    return np.asarray(flat, np.float64)


def draw_some(groups: Sequence[Rows], most: int, *, seed: int) -> list[Rows]:
    """Return some rows of each group, drawn by seed, `most` in all: small groups whole, the others alike many."""
    rng = np.random.default_rng([seed, 31])
    counts, left = [0] * len(groups), most
    for done, i in enumerate(sorted(range(len(groups)), key=lambda i: len(groups[i]))):
        counts[i] = min(len(groups[i]), left // (len(groups) - done))
        left -= counts[i]
    return [np.sort(rng.choice(group, count, replace=False)) for group, count in zip(groups, counts, strict=True)]
