"""BM25 over user text: a user is one document, all texts of the past in a row (the profile in words where
there are no events); the query is the sentence.

Okapi BM25 (Robertson and Zaragoza 2009) with k1 = 1.2, b = 0.75 and the idf of Lucene, which is never negative:

    score(u) = sum over words w of the query of  idf(w) f (k1 + 1) / (f + k1 (1 - b + b |u| / mean |u|))
    idf(w) = ln(1 + (N - n_w + 0.5) / (n_w + 0.5)),  f = times that w stands in the text of u, n_w = users with w
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import scipy.sparse as sp

from audience_trainers.users.baselines.user_text import user_texts
from audience_trainers.users.baselines.words import count_words, words_of
from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Options, Scorer
from audience_trainers.users.tasks.history import History

K1 = 1.2
B = 0.75


def prepare_bm25(history: History, options: Options) -> Scorer:  # noqa: ARG001
    """Return a scorer: BM25 of the sentence; a user without a word of it scores 0."""
    said, texts = user_texts(history)
    counted = count_words(texts)
    weights = bm25_weights((said @ counted.matrix).tocsr())

    def score(asked: Asked) -> Values:
        query = Counter(counted.place[word] for word in words_of(asked.sentence) if word in counted.place)
        total = np.zeros(weights.shape[0])
        for column, times in query.items():
            total += times * np.asarray(weights[:, [column]].todense()).ravel()
        return total

    return score


def bm25_weights(frequency: sp.csr_matrix) -> sp.csc_matrix:
    """Return the BM25 part (users, words) of each word for each user, from counts of the same shape."""
    users = frequency.shape[0]
    length = np.asarray(frequency.sum(1)).ravel()
    mean = length.mean() if length.any() else 1.0
    cells = frequency.tocoo()
    holders = np.bincount(cells.col, minlength=frequency.shape[1])
    idf = np.log1p((users - holders + 0.5) / (holders + 0.5))
    damped = cells.data + K1 * (1.0 - B + B * length[cells.row] / mean)
    weight = idf[cells.col] * cells.data * (K1 + 1.0) / damped
    return sp.csc_matrix((weight, (cells.row, cells.col)), shape=frequency.shape)
